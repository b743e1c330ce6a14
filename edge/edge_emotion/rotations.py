"""Rotations as unit quaternions (..., 4), w first, float64; vectors (..., 3).

A product p q turns by q first, then by p. Angles are radians.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

IDENTITY: Array = np.array([1.0, 0.0, 0.0, 0.0])


def unit(q: Array) -> Array:
    """(..., 4) scaled to length 1; NaN where it has no direction."""
    length = np.linalg.norm(q, axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        scaled: Array = np.where(np.isfinite(length) & (length > 1e-9), q / length, np.nan)
    return scaled


def product(p: Array, q: Array) -> Array:
    """Hamilton's product of (..., 4) and (..., 4)."""
    pw, px, py, pz = np.moveaxis(np.asarray(p, np.float64), -1, 0)
    qw, qx, qy, qz = np.moveaxis(np.asarray(q, np.float64), -1, 0)
    return np.stack(
        [
            pw * qw - px * qx - py * qy - pz * qz,
            pw * qx + px * qw + py * qz - pz * qy,
            pw * qy - px * qz + py * qw + pz * qx,
            pw * qz + px * qy - py * qx + pz * qw,
        ],
        axis=-1,
    )


def inverse(q: Array) -> Array:
    """The rotation back, of (..., 4) unit quaternions."""
    turned: Array = np.asarray(q, np.float64) * np.array([1.0, -1.0, -1.0, -1.0])
    return turned


def rotated(q: Array, v: Array) -> Array:
    """Vectors (..., 3) turned by (..., 4)."""
    w, u = q[..., :1], q[..., 1:]
    twice = 2 * np.cross(u, v)
    turned: Array = v + w * twice + np.cross(u, twice)
    return turned


def about(axis: int, angle: Array | float) -> Array:
    """(..., 4) rotation by an angle about x, y or z (0, 1, 2)."""
    half = np.asarray(angle, np.float64) / 2
    q = np.zeros((*half.shape, 4))
    q[..., 0], q[..., 1 + axis] = np.cos(half), np.sin(half)
    return q


def from_euler(order: str, angles: Array) -> Array:
    """(..., 4) from (..., len(order)) angles about moving axes, as "ZXY": about z first, then the turned x, then y."""
    q = np.broadcast_to(IDENTITY, (*angles.shape[:-1], 4))
    for place, name in enumerate(order):
        q = product(q, about("XYZ".index(name), angles[..., place]))
    return q


def to_xzy(q: Array) -> Array:
    """(..., 3) angles about x, then the turned z, then the turned y: R = Rx(a) Rz(b) Ry(c), b within +-pi/2.

    The order of ISB joint angles (Wu et al. 2002 and 2005): flexion, abduction, rotation. Where b is +-pi/2, c is 0.
    """
    w, x, y, z = np.moveaxis(np.asarray(q, np.float64), -1, 0)
    r01, r02 = 2 * (x * y - w * z), 2 * (x * z + w * y)
    r00, r11, r21 = 1 - 2 * (y * y + z * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)
    r10, r20 = 2 * (x * y + w * z), 2 * (x * z - w * y)
    locked = np.abs(r01) > 1 - 1e-9
    b = np.arcsin(np.clip(-r01, -1, 1))
    # Locked: R10 = sin(b) cos(a'), R20 = sin(b) sin(a'), where a' holds both turns.
    a = np.where(locked, np.arctan2(-r01 * r20, -r01 * r10), np.arctan2(r21, r11))
    c = np.where(locked, 0.0, np.arctan2(r02, r00))
    angles: Array = np.stack([a, b, c], axis=-1)
    return angles


def heading(q: Array) -> Array:
    """(...) angle about the vertical y of what looks along z: the y of R = Ry Rx Rz."""
    w, x, y, z = np.moveaxis(np.asarray(q, np.float64), -1, 0)
    angle: Array = np.arctan2(2 * (x * z + w * y), 1 - 2 * (x * x + y * y))
    return angle


def between(start: Array, end: Array) -> Array:
    """(4,) the least rotation that takes a direction (3,) to another; the z axis decides where they are opposite."""
    a, b = start / np.linalg.norm(start), end / np.linalg.norm(end)
    w = 1 + float(a @ b)
    if w < 1e-9:
        return np.array([0.0, 0.0, 0.0, 1.0])
    return unit(np.array([w, *np.cross(a, b)]))


def from_matrix(matrix: Array) -> Array:
    """(4,) of a rotation matrix (3, 3), whose columns are where the axes go."""
    m = np.asarray(matrix, np.float64)
    # Rows of the symmetric matrix of Bar-Itzhack (2000): its greatest eigenvector is the quaternion.
    k = np.array(
        [
            [m[0, 0] + m[1, 1] + m[2, 2], m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]],
            [m[2, 1] - m[1, 2], m[0, 0] - m[1, 1] - m[2, 2], m[1, 0] + m[0, 1], m[2, 0] + m[0, 2]],
            [m[0, 2] - m[2, 0], m[1, 0] + m[0, 1], m[1, 1] - m[0, 0] - m[2, 2], m[2, 1] + m[1, 2]],
            [m[1, 0] - m[0, 1], m[2, 0] + m[0, 2], m[2, 1] + m[1, 2], m[2, 2] - m[0, 0] - m[1, 1]],
        ]
    )
    q = np.linalg.eigh(k)[1][:, -1]
    return q if q[0] >= 0 else -q


def blended(p: Array, q: Array, share: Array) -> Array:
    """Between (..., 4) and (..., 4), share (..., 1) of the way, on the shorter arc; linear, then scaled to length 1."""
    near = np.where((p * q).sum(-1, keepdims=True) < 0, -q, q)
    return unit((1 - share) * p + share * near)
