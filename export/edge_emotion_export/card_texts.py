"""What a model card says that no manifest can: the corpora's licences, what a model is not for, where it fails."""

from collections.abc import Sequence

CORPORA = {
    "ravdess-speech": (
        "RAVDESS speech (Livingstone & Russo 2018): professional actors, North American English, two sentences",
        "CC BY-NC-SA 4.0",
    ),
    "emodb": (
        "EmoDB (Burkhardt et al. 2005): 10 actors, German, ten sentences",
        "free for research; no commercial licence is stated",
    ),
    "fer2013": (
        "FER2013 (Goodfellow et al. 2013): 48x48 grey stills of faces, found on the web by search words",
        "pictures from the web, given out for research; no licence for commercial use is stated",
    ),
    "bandai-namco-1": (
        "Bandai-Namco Research Motiondataset 1: three actors, 174 takes of actions in acted styles",
        "CC BY-NC 4.0",
    ),
    "ebedb": (
        "MPI Emotional Body Expressions Database (Volkova et al. 2014): 8 seated actors who tell stories, 11 emotions",
        "free for research; no commercial licence is stated",
    ),
    "xem": (
        "XEM: emotional motion recorded with Xsens suits, the user's own copy",
        "not stated here: ask its authors",
    ),
    "ravdess-face-au": (
        "RAVDESS facial action units (Livingstone & Russo 2018, tracked with OpenFace 2): professional actors, "
        "filmed at 30 frames a second",
        "CC BY-NC-SA 4.0",
    ),
}
"""Corpus -> (what it is, its licence)."""

_ABOUT_PEOPLE = """\
## What it reports

Expressed emotion: how a voice, face or movement looks and sounds, as ACTED. It does **not** report what
a person feels, thinks or means, and its answers are probabilities, not findings about anybody.

## Where it must not be used

- Inferring emotions of people at work or in education is forbidden in the European Union, except for medical or
  safety reasons (Regulation (EU) 2024/1689, the AI Act, Article 5(1)(f)).
- People who are observed by an emotion recognition system must be told so (Article 50(3), from August 2026).
- Not for decisions about people: hiring, insurance, credit, policing, border control, diagnosis, lie detection.
- Not on people who have not agreed to it.
"""

_VOICE_LIMITS = """\
## Limits

- Learned from acted emotion in quiet rooms. Spontaneous emotion is weaker and mixed; expect clearly worse results.
- English and German only; other languages, dialects and ways of speaking were never heard.
- Adult actors only: no children, no elderly people, no impaired voices.
- Distance, noise, music, reverberation and telephone sound lower its accuracy; several speakers at once are mixed up.
- A window without speech gives no estimate: silence is not "neutral". The thresholds of what counts as speech were
  set by hand on recordings of the corpora above, not on speakers held out.
"""
_FACE_LIMITS = """\
## Limits

- Learned from single stills of the web, held still or moved by a written motion model; never from real sequences.
  How real faces change over time it has not seen. Nobody measured it on spontaneous expressions.
- The stills' labels are noisy: people agree with them in about 65 of 100 pictures (Goodfellow et al. 2013), so the
  rates above are agreement with those labels, not truth. Disgust is rare among them, 15 in 1000.
- Web pictures are chosen and often posed: strong expressions of people who face the camera. Faint ones, and faces
  that speak, are harder. Some faces at rest look sad or angry to it.
- The stills carry no age, sex or ethnicity, so differences between groups were **not measured**. Expect them, for
  children and old people too: whom web pictures show is not who stands before a camera.
- Poor or hard light, masks, hands, hair, heavy glasses, small or blurred faces and faces turned far away make it
  abstain where the front end notices, and mislead it where it does not.
- The seven classes are those of the stills. Mixed and other expressions are forced into them.
"""
_FACE_LANDMARKS_LIMIT = """\
- It sees 68 points and nothing else: no wrinkles, no gaze, no colour. Where the points are placed wrongly, so is
  the answer.
"""

_SHIPPED_BODY = ("bandai-namco-1",)
_BODY_LIMITS = """\
## Limits

- Learned from **three actors** who acted styles for animation; nobody measured it on another body, and nobody's
  natural movement was seen. Take its answers on you as a game.
- Actions: the short acted ones that the split names. Sitting, work, sport, children, old and disabled people were not
  seen; what it says of them means nothing.
- Four classes: neutral, happiness, sadness, anger. Other emotions are forced into them.
- It needs joints of a whole body (a suit, trackers): with fewer than six in ten it abstains. A single IMU never gets an
  emotion.
"""

_OTHER_BODY_LIMITS = """\
## Limits

- Learned from the actors and the actions of its corpus alone; what it says of other bodies and other actions was not
  measured. Take its answers on you as a game.
- Emotions that its labels do not know are forced into those that they know.
- It needs joints of a whole body (a suit, trackers): with fewer than six in ten it abstains. A single IMU never gets an
  emotion.
"""

VOICE_NUMBERS = """\
UAR is unweighted average recall: the mean over the classes of the share recognised. Rows by folds measure
networks of the same recipe on speakers they did not hear; the network inside heard all of these speakers."""
BODY_NUMBERS = """\
UAR is unweighted average recall: the mean over the classes of the share recognised. Rows that leave an action out
measure networks of the same recipe on actions that they did not see, of the same three actors; the network inside saw
all of them."""
OTHER_BODY_NUMBERS = """\
UAR is unweighted average recall: the mean over the classes of the share recognised. Rows by folds measure networks of
the same recipe on actors, or where these are not named on actions, that they did not see; the network inside saw all
of them."""
OWN_NUMBERS = """\
UAR is unweighted average recall: the mean over the classes of the share recognised. Rows by folds measure networks made
likewise without the clips that they are measured on; the network inside learned from all of them."""
FACE_NUMBERS = """\
UAR is unweighted average recall: the mean over the classes of the share recognised. A still is measured as a window
that is filled with it, which the network did not learn from."""
ACTION_UNIT_NUMBERS = """\
Rows on ravdess-face-au measure other networks, of the same kind but with action units as nodes, on actors they did
not see: a check on real movement, not on the network inside."""


def about_people(modality: str) -> str:
    """What any model reports of people, and where it must not be used; markdown."""
    source = "people named it in pictures" if modality == "face" else "actors portray it"
    return _ABOUT_PEOPLE.replace("ACTED", source)


def limits(modality: str, feature_set: str, corpora: Sequence[str] = ()) -> str | None:
    """Where a model fails, as markdown; None for a modality that nobody has written about. corpora: it learned from."""
    if modality == "voice":
        return _VOICE_LIMITS
    if modality == "face":
        return _FACE_LIMITS + (_FACE_LANDMARKS_LIMIT if feature_set == "face-landmarks" else "")
    if modality == "body":
        return _BODY_LIMITS if tuple(corpora) == _SHIPPED_BODY else _OTHER_BODY_LIMITS
    return None


def numbers(modality: str, corpora: Sequence[str]) -> str:
    """What the table of numbers means, as markdown."""
    if modality == "body":
        return BODY_NUMBERS if tuple(corpora) == _SHIPPED_BODY else OTHER_BODY_NUMBERS
    return FACE_NUMBERS if modality == "face" else VOICE_NUMBERS
