"""Scenes after the dead-leaves model: occluding, textured, shaded and coloured objects.

References
----------
A. B. Lee, D. Mumford and J. Huang (2001), "Occlusion models for natural images: a statistical
study of a scale-invariant dead leaves model", IJCV 41.
M. Baradad, J. Wulff, T. Wang, P. Isola and A. Torralba (2021), "Learning to see by looking at
noise", NeurIPS (the coloured and textured variants).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SUPERSAMPLING = 2
_TILE = 256
_COLUMNS = 18


@dataclass(frozen=True, slots=True)
class Family:
    """What the scenes of one place have in common.

    Attributes
    ----------
    palette
        Reflectances of the leaves, linear RGB, shape (k, 3), in (0, 1].
    smallest, largest
        Limits of the leaves' radius, in pixels of the final image; between them the radius has a
        density proportional to r**-3, the scale-invariant law of Lee et al. (2001).
    variety
        Standard deviation of a leaf's own log reflectance about its palette colour.
    texture, roughness
        Median contrast (log units) of the leaves' texture, and the exponent of its amplitude
        spectrum (1: pink, larger: smoother).
    shading
        Largest relative change of light across a leaf.
    shapes
        Probabilities of ellipse, rectangle and diamond.
    """

    palette: Floats
    smallest: float
    largest: float
    variety: float
    texture: float
    roughness: float
    shading: float
    shapes: tuple[float, float, float]


def draw_family(rng: np.random.Generator) -> Family:
    """Draw a place: palettes run from nearly grey to vivid, of one hue or of many."""
    count = int(rng.integers(3, 9))
    hue = rng.random() + rng.normal(0.0, rng.choice([0.03, 0.09, 0.3]), count)
    vividness = rng.beta(1.6, 2.2)
    chroma = np.clip(vividness * rng.uniform(0.3, 1.3, count), 0.0, 0.92)
    level = np.exp(rng.normal(-1.1, 0.6, count))
    phase = 2.0 * np.pi * (hue[:, None] - np.array([0.0, 1.0, 2.0]) / 3.0)
    palette = np.clip(level[:, None] * (1.0 + chroma[:, None] * np.cos(phase)), 0.01, 1.0)
    shapes = rng.dirichlet([2.0, 1.0, 0.7])
    return Family(
        palette=palette.astype(np.float32),
        smallest=float(0.8 * 5.0 ** rng.random()),
        largest=float(rng.uniform(40.0, 90.0)),
        variety=float(rng.uniform(0.1, 0.3)),
        texture=float(np.exp(rng.normal(-2.3, 0.45))),
        roughness=float(rng.uniform(0.7, 1.3)),
        shading=float(rng.uniform(0.1, 0.6)),
        shapes=(float(shapes[0]), float(shapes[1]), float(shapes[2])),
    )


def render(family: Family, height: int, width: int, rng: np.random.Generator) -> Floats:
    """Render one scene of a family.

    Leaves are laid from the front to the back until they cover the frame, which samples the
    stationary model exactly; `SUPERSAMPLING` squared samples a pixel keep the edges smooth.

    Parameters
    ----------
    family
        The place.
    height, width
        In pixels.
    rng
        The only source of chance.

    Returns
    -------
    ndarray of shape (height, width, 3), dtype float32
        Linear radiance, positive, about 0.3 in the mean.
    """
    rows, columns = height * SUPERSAMPLING, width * SUPERSAMPLING
    smallest, largest = family.smallest * SUPERSAMPLING, family.largest * SUPERSAMPLING
    leaves = _draw_leaves(family, rows, columns, smallest, largest, rng)
    tile = _texture(family.roughness, rng)
    fine = _paint(leaves, tile, rows, columns)
    image = fine.reshape(height, SUPERSAMPLING, width, SUPERSAMPLING, 3).mean(axis=(1, 3))
    lit: Floats = (image * _light(height, width, rng)[..., None]).astype(np.float32)
    return lit


def _draw_leaves(
    family: Family,
    rows: int,
    columns: int,
    smallest: float,
    largest: float,
    rng: np.random.Generator,
) -> Floats:
    """Draw leaves, front to back, as the rows that `_paint` reads; the last fills the frame."""
    area = (rows + 2.0 * largest) * (columns + 2.0 * largest)
    mean_square = 2.0 * smallest**2 * math.log(largest / smallest)
    # enough for each point to be covered with a probability of about 1 - exp(-11)
    count = int(11.0 * area / (2.2 * mean_square)) + 1
    u = rng.random((count, 8), dtype=np.float32)
    normal = rng.standard_normal((count, 4), dtype=np.float32)
    leaf = np.empty((count, _COLUMNS), np.float32)
    low, high = smallest**-2.0, largest**-2.0
    radius = (low - u[:, 0] * (low - high)) ** -0.5
    leaf[:, 0] = u[:, 1] * (rows + 2.0 * largest) - largest
    leaf[:, 1] = u[:, 2] * (columns + 2.0 * largest) - largest
    leaf[:, 2] = radius
    leaf[:, 3] = 0.35 + 0.65 * u[:, 3]  # the short half axis over the long one
    leaf[:, 4] = np.cos(np.pi * u[:, 4])
    leaf[:, 5] = np.sin(np.pi * u[:, 4])
    leaf[:, 6] = np.searchsorted(np.cumsum(family.shapes)[:2], u[:, 5])
    reflectance = family.palette[rng.integers(0, len(family.palette), count)]
    own = np.exp(family.variety * normal[:, :1])
    tint = np.exp(0.25 * family.variety * rng.standard_normal((count, 3), dtype=np.float32))
    leaf[:, 7:10] = reflectance * own * tint
    leaf[:, 10] = family.shading * normal[:, 1].clip(-1.6, 1.6) / 1.6
    leaf[:, 11] = family.shading * normal[:, 2].clip(-1.6, 1.6) / 1.6
    leaf[:, 12] = family.texture * np.exp(0.7 * normal[:, 3])
    leaf[:, 13] = 2.0 ** (2.0 * u[:, 6] - 0.8)  # the texture's scale
    leaf[:, 14:16] = rng.random((count, 2), dtype=np.float32) * _TILE
    leaf[:, 16] = family.shading * u[:, 7]  # roundness: darker towards the rim
    leaf[:, 17] = 0.3 * leaf[:, 12]  # contrast of the colour's texture
    leaf[-1, 0:7] = (rows / 2.0, columns / 2.0, 4.0 * (rows + columns), 1.0, 1.0, 0.0, 0.0)
    leaf[-1, 10:12] = 0.0
    return leaf


def _texture(roughness: float, rng: np.random.Generator) -> Floats:
    """Make a periodic tile of noise with amplitude spectrum 1/f**roughness, of unit deviation."""
    from scipy import fft

    spectrum = fft.rfft2(rng.standard_normal((_TILE, _TILE), dtype=np.float32))
    spectrum *= _spectral_weight(roughness)
    tile = fft.irfft2(spectrum, s=(_TILE, _TILE))
    unit: Floats = (tile / tile.std()).astype(np.float32)
    return unit


def _spectral_weight(roughness: float) -> Floats:
    down = np.fft.fftfreq(_TILE)[:, None]
    across = np.fft.rfftfreq(_TILE)[None, :]
    frequency = np.hypot(down, across)
    # flat below a twelfth of the tile, so that a leaf is textured rather than tinted
    weight: Floats = (np.maximum(frequency, 12.0 / _TILE) ** -roughness).astype(np.float32)
    return weight


def _light(height: int, width: int, rng: np.random.Generator) -> Floats:
    """Draw a slow change of the light over the frame."""
    angle = rng.uniform(0.0, 2.0 * np.pi)
    slope = rng.uniform(0.0, 0.5)
    y = np.linspace(-1.0, 1.0, height, dtype=np.float32)[:, None]
    x = np.linspace(-1.0, 1.0, width, dtype=np.float32)[None, :]
    light: Floats = np.exp(slope * (y * np.sin(angle) + x * np.cos(angle))).astype(np.float32)
    return light


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _paint(leaves: Floats, tile: Floats, rows: int, columns: int) -> Floats:  # pragma: no cover
    """Lay leaves from the front to the back, until no sample is bare."""
    image = np.zeros((rows, columns, 3), np.float32)
    bare = np.ones((rows, columns), np.bool_)
    left = rows * columns
    mask = tile.shape[0] - 1
    for k in range(leaves.shape[0]):
        if left == 0:
            break
        cy, cx, radius = leaves[k, 0], leaves[k, 1], leaves[k, 2]
        top, bottom = max(0, int(cy - radius)), min(rows - 1, int(cy + radius))
        start, stop = max(0, int(cx - radius)), min(columns - 1, int(cx + radius))
        if top > bottom or start > stop:
            continue
        narrow, cos, sin, shape = leaves[k, 3], leaves[k, 4], leaves[k, 5], leaves[k, 6]
        scale, ty, tx = leaves[k, 13], leaves[k, 14], leaves[k, 15]
        inverse = np.float32(1.0) / radius
        across = inverse / narrow
        for y in range(top, bottom + 1):
            for x in range(start, stop + 1):
                if not bare[y, x]:
                    continue
                dy, dx = np.float32(y) - cy, np.float32(x) - cx
                a = (cos * dx + sin * dy) * inverse
                b = (cos * dy - sin * dx) * across
                square = a * a + b * b
                if shape == 0.0:
                    inside = square <= 1.0
                elif shape == 1.0:
                    inside = max(abs(a), abs(b)) <= 0.7071
                else:
                    inside = abs(a) + abs(b) <= 1.0
                if not inside:
                    continue
                bare[y, x] = False
                left -= 1
                py, px = int(dy * scale + ty), int(dx * scale + tx)
                grain = tile[py & mask, px & mask]
                stain = tile[(px + 91) & mask, (py + 57) & mask]
                shade = 1.0 + leaves[k, 10] * a + leaves[k, 11] * b - leaves[k, 16] * square * 0.5
                light = max(shade, 0.08) * math.exp(leaves[k, 12] * grain)
                tint = leaves[k, 17] * stain
                image[y, x, 0] = leaves[k, 7] * light * (1.0 + tint)
                image[y, x, 1] = leaves[k, 8] * light
                image[y, x, 2] = leaves[k, 9] * light * max(1.0 - tint, 0.0)
    return image
