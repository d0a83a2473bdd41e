"""MesoNet from Keras' files, against a forward pass in NumPy that never leaves Keras' layout."""

import h5py
import numpy as np
import pytest
import torch
from scipy import signal

from dfbench.errors import DfbenchError, ParameterError, UnavailableError
from dfbench.models.networks.meso import Meso4, MesoInception4
from dfbench.models.networks.torch_modules.meso import SamePool

SIDE = 64

# (kernel shape, dilation) in the order in which Keras made them
MESO4 = [((3, 3, 3, 8), 1), ((5, 5, 8, 8), 1), ((5, 5, 8, 16), 1), ((5, 5, 16, 16), 1)]


def inception(before, widths):
    shapes = [((1, 1, before, widths[0]), 1)]
    for dilation, width in enumerate(widths[1:], 1):
        shapes += [((1, 1, before, width), 1), ((3, 3, width, width), dilation)]
    return shapes


INCEPTION = [
    *inception(3, (1, 4, 4, 2)),
    *inception(11, (2, 4, 4, 2)),
    ((5, 5, 12, 16), 1),
    ((5, 5, 16, 16), 1),
]


def write(path, shapes, norms, *, first=5, side=SIDE, nested=False, seed=0):
    """A file in the published layout: layers numbered as made, listed as the graph is walked."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for i, (shape, _) in enumerate(shapes):
        scale = np.sqrt(2 / np.prod(shape[:3]))
        arrays[f"conv2d_{first + i}"] = {
            "kernel": rng.normal(0, scale, shape),
            "bias": rng.normal(0, 0.1, shape[3]),
        }
    for i, width in enumerate(norms):
        arrays[f"batch_normalization_{first + i}"] = {
            "gamma": rng.normal(0, 1, width),  # negative ones: the order with pooling matters
            "beta": rng.normal(0, 0.5, width),
            "moving_mean": rng.normal(0, 0.5, width),
            "moving_variance": rng.uniform(0.01, 2, width),
        }
    cells = -(-side // 32)
    for i, shape in enumerate([(16 * cells**2, 16), (16, 1)]):
        arrays[f"dense_{3 + i}"] = {
            "kernel": rng.normal(0, np.sqrt(2 / shape[0]), shape),
            "bias": rng.normal(0, 0.1, shape[1]),
        }
    arrays = {
        layer: {name: value.astype(np.float32) for name, value in parts.items()}
        for layer, parts in arrays.items()
    }
    with h5py.File(path, "w") as file:
        root = file.create_group("model_weights") if nested else file
        for layer, parts in arrays.items():
            for name, value in parts.items():
                root[f"{layer}/{layer}/{name}:0"] = value
        root.create_group("flatten_2")
        root.create_group("max_pooling2d_5")
    return arrays


def convolve(maps, parts, dilation):
    """Keras Conv2D(padding='same', activation='relu') on (S, S, C), by SciPy's correlation."""
    kernel = parts["kernel"].astype(np.float64)
    k = kernel.shape[0]
    spread = np.zeros(((k - 1) * dilation + 1,) * 2 + kernel.shape[2:])
    spread[::dilation, ::dilation] = kernel
    out = np.stack(
        [
            sum(
                signal.correlate2d(maps[:, :, c], spread[:, :, c, o], mode="same")
                for c in range(maps.shape[2])
            )
            for o in range(kernel.shape[3])
        ],
        axis=2,
    )
    return np.maximum(out + parts["bias"], 0)


def normalise(maps, parts):
    scale = parts["gamma"] / np.sqrt(parts["moving_variance"] + 1e-3)
    return (maps - parts["moving_mean"]) * scale + parts["beta"]


def pool(maps, k):
    """Keras MaxPooling2D(k, padding='same') on (S, S, C)."""
    n = len(maps)
    cells = -(-n // k)
    before = (cells * k - n) // 2
    edges = [(max(0, i * k - before), min(n, (i + 1) * k - before)) for i in range(cells)]
    return np.array([[maps[a:b, c:d].max(axis=(0, 1)) for c, d in edges] for a, b in edges])


def reference(image, arrays, shapes, *, is_inception):
    """P(real) of one uint8 image (S, S, 3)."""
    layers = [v for k, v in arrays.items() if k.startswith("conv2d")]
    convs = [(parts, dilation) for parts, (_, dilation) in zip(layers, shapes, strict=True)]
    norms = [v for k, v in arrays.items() if k.startswith("batch")]
    h = image / 255.0
    for stage, norm in enumerate(norms):
        if is_inception and stage < 2:
            branches = [convolve(h, *convs.pop(0))]
            for _ in range(3):
                first, second = convs.pop(0), convs.pop(0)
                branches.append(convolve(convolve(h, *first), *second))
            h = np.concatenate(branches, axis=2)
        else:
            h = convolve(h, *convs.pop(0))
        h = pool(normalise(h, norm), 4 if stage == 3 else 2)
    h = h.reshape(-1) @ arrays["dense_3"]["kernel"] + arrays["dense_3"]["bias"]
    h = np.where(h > 0, h, 0.1 * h)
    z = h @ arrays["dense_4"]["kernel"] + arrays["dense_4"]["bias"]
    return 1 / (1 + np.exp(-z[0]))


CASES = [
    (Meso4, MESO4, (8, 8, 16, 16)),
    (MesoInception4, INCEPTION, (11, 12, 16, 16)),
]


@pytest.mark.parametrize("fake_class", [0, 1])
@pytest.mark.parametrize(("network", "shapes", "norms"), CASES)
def test_published_weights_score_as_in_keras(tmp_path, network, shapes, norms, fake_class):
    path = tmp_path / "weights.h5"
    arrays = write(path, shapes, norms)
    images = np.random.default_rng(1).integers(0, 256, (3, SIDE, SIDE, 3)).astype(np.uint8)
    real = [reference(i, arrays, shapes, is_inception=network is MesoInception4) for i in images]
    assert np.ptp(real) > 1e-3  # an output that hangs on the image
    model = network(
        n_classes=2,
        image_size=SIDE,
        weights=str(path),
        pretrained_only=True,
        fake_class=fake_class,
    )
    # what is there to train on does not matter
    model.fit(images, np.zeros(3, np.int64), images, np.zeros(3, np.int64))
    proba = model.predict_proba(images)
    np.testing.assert_allclose(proba[:, 1 - fake_class], real, atol=2e-5)
    assert model.history == []
    assert model.recipe().precision == "32"
    assert network(n_classes=2).recipe().precision == "auto"
    assert model.parameters()[1] == 0


def test_a_whole_saved_model_and_other_numbers_load_alike(tmp_path):
    """Ten and more layers: numbers are compared as numbers; a whole model nests its weights."""
    modules = []
    for first, nested in ((1, False), (8, True)):
        path = tmp_path / f"{first}.h5"
        write(path, INCEPTION, (11, 12, 16, 16), first=first, nested=nested)
        modules.append(MesoInception4(n_classes=2, image_size=SIDE, weights=str(path)).build(0))
    x = torch.rand(2, 3, SIDE, SIDE)
    torch.testing.assert_close(modules[0].eval()(x), modules[1].eval()(x))


@pytest.mark.parametrize("k", [2, 4])
@pytest.mark.parametrize("n", [5, 6, 7, 8, 9])
def test_pooling_pads_as_keras_does(n, k):
    maps = np.random.default_rng(0).normal(size=(n, n, 2)) - 5  # zeros as padding would win
    found = SamePool(k)(torch.from_numpy(maps).permute(2, 0, 1)[None])
    np.testing.assert_array_equal(found[0].permute(1, 2, 0).numpy(), pool(maps, k))


def test_training_goes_on_from_the_file(tmp_path):
    path = tmp_path / "weights.h5"
    write(path, MESO4, (8, 8, 16, 16))
    X = np.random.default_rng(0).integers(0, 256, (16, SIDE, SIDE, 3)).astype(np.uint8)
    y = np.arange(16) % 2
    params = {"image_size": SIDE, "weights": str(path), "precision": "32"}
    before = Meso4(n_classes=2, pretrained_only=True, **params).fit(X, y, X, y)
    tiny = Meso4(n_classes=2, epochs=1, lr=1e-9, batch_size=16, **params).fit(X, y, X, y)
    for (name, one), two in zip(
        before.module.named_parameters(), tiny.module.parameters(), strict=True
    ):
        torch.testing.assert_close(one, two, atol=1e-6, rtol=0, msg=name)
    assert tiny.parameters()[1] > 0
    assert len(tiny.history) == 1


def broken(path, change):
    write(path, MESO4, (8, 8, 16, 16))
    with h5py.File(path, "r+") as file:
        change(file)


def replace(name, value):
    def change(file):
        del file[name]
        if value is not None:
            file[name] = value

    return change


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (
            replace("conv2d_6/conv2d_6/kernel:0", np.zeros((3, 3, 8, 8), np.float32)),
            "conv2d_6/kernel",
        ),
        (replace("batch_normalization_7/batch_normalization_7/gamma:0", None), "_7/gamma"),
        (replace("dense_3/dense_3/kernel:0", np.zeros((1024, 16), np.float32)), "dense_3/kernel"),
        (
            replace("dense_4/dense_4/bias:0", np.full(1, np.nan, np.float32)),
            "dense_4/bias",
        ),
        (replace("conv2d_8", None), "3 layers 'conv2d'"),
    ],
)
def test_a_file_that_does_not_fit_is_named_with_its_tensor(tmp_path, change, named):
    path = tmp_path / "weights.h5"
    broken(path, change)
    with pytest.raises(DfbenchError, match=named) as caught:
        Meso4(n_classes=2, image_size=SIDE, weights=str(path)).build(0)
    assert str(path) in str(caught.value)


def test_a_file_of_another_kind_is_a_plain_error(tmp_path):
    path = tmp_path / "weights.h5"
    path.write_bytes(b"not HDF5")
    with pytest.raises(DfbenchError, match="cannot be read"):
        Meso4(n_classes=2, image_size=SIDE, weights=str(path)).build(0)


def test_an_absent_file_makes_the_row_unavailable(tmp_path):
    params = {**Meso4.defaults(), "weights": str(tmp_path / "none.h5")}
    with pytest.raises(UnavailableError, match=r"none\.h5"):
        Meso4.check_available(params)
    Meso4.check_available(Meso4.defaults())


def test_the_file_counts_by_its_content(tmp_path):
    one, same, other = (tmp_path / f"{name}.h5" for name in "abc")
    write(one, MESO4, (8, 8, 16, 16))
    same.write_bytes(one.read_bytes())
    other.write_bytes(one.read_bytes() + b" ")
    ids = [Meso4.identity({"weights": str(path), "lr": 0.1}) for path in (one, same, other)]
    assert ids[0] == ids[1] != ids[2]
    assert ids[0]["lr"] == 0.1
    assert Meso4.identity({}) == {}


def test_two_classes_and_a_file_are_needed_for_published_scores(tmp_path):
    path = tmp_path / "weights.h5"
    write(path, MESO4, (8, 8, 16, 16))
    with pytest.raises(ParameterError, match="two classes"):
        Meso4(n_classes=5, image_size=SIDE, weights=str(path)).build(0)
    with pytest.raises(ParameterError, match="needs weights"):
        Meso4.check_params({"pretrained_only": True})
    with pytest.raises(ParameterError, match=r"weights is empty.*\(random or the path of a file"):
        Meso4.check_params({"weights": ""})
    with pytest.raises(ParameterError, match="fake_class"):
        Meso4.check_params({"fake_class": 2})


def promised(file):
    """Gigabytes in no bytes: blocks that were never written."""
    del file["dense_3/dense_3/kernel:0"]
    file.create_dataset("dense_3/dense_3/kernel:0", (1 << 15, 1 << 15), "f4", chunks=(1024, 1024))


def packed(file):
    del file["dense_3/dense_3/kernel:0"]
    block = (64, 1 << 14)
    kernel = file["dense_3/dense_3"].create_dataset(
        "kernel:0", (64, 16), "f4", chunks=block, maxshape=(None, None), compression="gzip"
    )
    kernel[:] = 0


def elsewhere(file):
    del file["dense_3"]
    file["dense_3"] = h5py.ExternalLink("other.h5", "/dense_3")


def within(file):
    del file["dense_3"]
    file["dense_3"] = h5py.SoftLink("/dense_3")


def virtual(file):
    del file["dense_3/dense_3/kernel:0"]
    layout = h5py.VirtualLayout((64, 16), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "kernel", (64, 16))
    file["dense_3/dense_3"].create_virtual_dataset("kernel:0", layout)


def outside(file):
    del file["dense_3/dense_3/kernel:0"]
    file["dense_3/dense_3"].create_dataset(
        "kernel:0", (64, 16), "f4", external=[("/dev/zero", 0, h5py.h5f.UNLIMITED)]
    )


def circular(file):
    file["dense_3/dense_3/again"] = file["dense_3"]


def referring(file):
    del file["dense_3/dense_3/kernel:0"]
    own = file["dense_3/dense_3"]
    own.create_dataset("kernel:0", (4,), dtype=h5py.ref_dtype)[:] = own.ref


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (promised, "more than the network has"),
        (packed, "packed in a way"),
        (elsewhere, "dense_3 is a link, which is not followed"),
        (within, "dense_3 is a link, which is not followed"),
        (virtual, "lies in other files"),
        (outside, "lies in other files"),
        (circular, "nested too deeply"),
        (referring, "holds no numbers"),
    ],
)
def test_what_a_file_asks_for_is_looked_at_before_it_is_read(tmp_path, change, says):
    path = tmp_path / "weights.h5"
    broken(path, change)
    with pytest.raises(
        DfbenchError, match=f"^.*weights.h5: cannot be read as Keras weights: .*{says}"
    ):
        Meso4(n_classes=2, image_size=SIDE, weights=str(path)).build(0)
