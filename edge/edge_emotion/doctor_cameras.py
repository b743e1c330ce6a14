"""Checks the cameras: which there are, whether this user may open them, and whether ribbon ones have picamera2."""

from pathlib import Path
from typing import Any

from edge_emotion.doctor_access import Open, barrier, open_once
from edge_emotion.doctor_check import NONE, Finding, fail, listed, ok, warn


def cameras(root: Path, picamera2: Any = None, opened: Open = open_once) -> Finding:
    """Check every camera; "fail" when there are some and none can be used.

    picamera2: the module, or a stand-in for it. opened: opens a node, or raises OSError.
    """
    from edge_emotion.sources.camera_list import list_cameras, users_of, video_nodes
    from edge_emotion.sources.picamera import csi_cameras

    nodes = {key: node for node in video_nodes(root) for key in (str(node.number), str(node.path))}
    names, wrong, usable = [], [], 0
    for camera in list_cameras(root, picamera2):
        name = f"{camera.device} {camera.name!r} [{camera.backend}]"
        node = nodes.get(camera.device) if camera.backend == "v4l2" else None
        barred = barrier(node.path, "video", opened) if node is not None else None
        if barred is not None:
            wrong.append(barred.do)
            name += f" {barred.why}"
        elif camera.note:
            wrong.append(str(csi_cameras(picamera2)[1] or camera.note))
            name += " needs picamera2"
        else:
            usable += 1
            users = users_of(node.path, root) if node is not None else []
            name += f" in use by {', '.join(users)}" if users else ""
        names.append(name)
    if not names:
        return ok(NONE)
    if not wrong:
        return ok(listed(names))
    return (warn if usable else fail)(listed(names), wrong[0])
