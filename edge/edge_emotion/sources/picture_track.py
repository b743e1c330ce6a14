"""The pictures of a video file: upright B, G, R frames with their times on the file's clock."""

from collections.abc import Iterator

import numpy as np

from edge_emotion.sources.frame import Frame
from edge_emotion.sources.track import Track

QUARTER = 90  # degrees


class PictureTrack:
    """Converts a track's pictures, whatever their pixel format, and turns them as the camera was held."""

    def __init__(self, track: Track) -> None:
        self._track = track
        self.unplaced = 0  # pictures without a time in the file
        self.tilt = 0  # degrees beyond quarter turns, which are not undone

    def frames(self) -> Iterator[Frame]:
        """Give frames, in order of their times; where the file says none, they follow at its usual rate."""
        period = self._track.period
        last: float | None = None
        for picture, stated in self._track.frames():
            if stated is None:
                self.unplaced += 1
            time = stated if stated is not None else 0.0 if last is None else last + period
            if last is not None and time <= last:  # stated again after pictures without a time
                self._track.misplaced += 1
                continue
            last = time
            image = picture.to_ndarray(format="bgr24")
            # The display matrix of a phone held upright, degrees against the clock.
            rotation = round(getattr(picture, "rotation", 0) or 0)
            turns = round(rotation / QUARTER)
            self.tilt = self.tilt or rotation - turns * QUARTER
            yield Frame(np.ascontiguousarray(np.rot90(image, turns)), time)
