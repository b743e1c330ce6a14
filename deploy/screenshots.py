"""Pictures of the views for the README: python deploy/screenshots.py

Runs the bundled clip beside a made file of motion, and writes docs/terminal.svg, what the terminal shows, and
docs/window.png, what --window shows.
Needs the extra `video`. Only the bundled clip is shown: other people's faces do not belong into a repository.
"""

import argparse
import io
import sys
import tempfile
from importlib import resources
from pathlib import Path

import cv2
from rich.console import Console

from edge_emotion.outputs.drawing import draw
from edge_emotion.outputs.terminal import TerminalView
from edge_emotion.session import SessionSettings, open_session
from edge_emotion.settings import MotionSettings, VideoFileSettings

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from bvh_body import swinging

DOCS = Path(__file__).resolve().parents[1] / "docs"
AT = 6.0  # seconds of the clip: by then all senses speak


def main() -> int:
    """Write both pictures."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    with (
        resources.as_file(resources.files("edge_emotion") / "data" / "demo.mp4") as clip,
        tempfile.TemporaryDirectory() as folder,
    ):
        walk = Path(folder) / "walk.bvh"
        walk.write_text(swinging(AT))
        motion = MotionSettings(str(walk))
        session = open_session(SessionSettings(video=VideoFileSettings(clip), motion=motion, seconds=AT))
        view = TerminalView(
            Console(force_terminal=True, width=80, file=io.StringIO()), session.title, session.needs
        )
        seen, events = [], {}

        def watch(frame, faces) -> None:
            view.frame(frame, faces)
            seen[:] = [(frame, faces)]

        session.run.meter, session.run.watch = view.meter, watch
        for event in session.run:
            view.show(event)
            events[event.identity] = event
        last = Console(record=True, force_terminal=True, width=80, file=io.StringIO())
        last.print("$ edge-emotion --video demo.mp4 --imu walk.bvh", style="dim")
        last.print(view._view())
        view.close()
    DOCS.mkdir(exist_ok=True)
    last.save_svg(str(DOCS / "terminal.svg"), title="edge-emotion")
    frame, faces = seen[0]
    cv2.imwrite(str(DOCS / "window.png"), draw(frame.image, faces, events, "25.0 fps, dropped 0"))
    print(f"wrote {DOCS / 'terminal.svg'} and {DOCS / 'window.png'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
