"""The weights of a Spectral Workbench model file by "layer/tensor", with h5py and NumPy alone."""
import json, math, h5py, numpy as np

def coded(part, raw, n):  # floats, or integers times the scale of their block of 64
    if part["values"][0] == "f": return raw.view({"f32": "<f4", "f16": "<f2"}[part["values"]]).astype(float) * part["scale"]
    scale, raw = np.split(raw, [2 * -(-n // 64)])
    whole = raw.view("i1") if part["values"] == "int8" else (np.stack([raw & 15, raw >> 4], 1).ravel() ^ 8) - 8.0
    return whole[:n] * np.repeat(scale.view("<f2").astype(float), 64)[:n] * part["scale"]

def places(kind, raw):  # indices as they are, a bitmap, or varints of the gaps between them
    if kind != "delta-varint": return raw.view("<u4") if kind == "flat-u32" else np.unpackbits(raw, bitorder="little").nonzero()[0]
    first = np.flatnonzero(np.r_[True, raw[:-1] < 128])
    shift = 7 * (np.arange(len(raw)) - np.repeat(first, np.diff(np.r_[first, len(raw)])))
    return np.cumsum(np.add.reduceat((raw & 127).astype("i8") << shift, first) + 1) - 1

def unpack(head, raw):
    part, shape, axes, half = head["lists"][0], head["shape"], head.get("axes", []), head["basis"] == "fft"
    if head["basis"] == "low-rank":
        factors = zip(head["lists"], np.split(raw, [part["value_bytes"]]))
        a, b = (coded(p, r, p["count"]).reshape(head["rank"], -1) for p, r in factors); return (a.T @ b).reshape(shape)
    view = head.get("view", shape); order = [a for a in range(len(view)) if a not in axes] + axes
    size, last = [view[a] for a in order], tuple(range(len(view) - len(axes), len(view)))  # transformed: the last
    w = np.zeros(size[:-1] + [size[-1] // 2 + 1] if half else size, complex if half else float)
    k, cut = np.ogrid[tuple(map(slice, w.shape))], part.get("index_bytes", 0); end = cut + part["value_bytes"]
    box = [np.minimum(k[a], size[a] - k[a]) <= most for a, most in zip(last, part.get("box", []))]
    at = places(part["index"], raw[:cut]) if cut else np.flatnonzero(np.broadcast_to(math.prod(box), w.shape))
    w.flat[at] = coded(part, raw[cut:end], len(at) * (1 + half)).view(w.dtype)
    if half: w = np.fft.irfftn(w, size[last[0]:], last, "ortho")
    for a in last if head["basis"] == "dct" else []:  # the inverse DCT, by an FFT of twice the length
        k = np.arange(size[a]); turn = np.sqrt(np.where(k, 2, 1) * size[a]) * 2 * np.exp(.5j * np.pi * k / size[a])
        w = np.moveaxis(np.fft.ifft(np.moveaxis(w, a, -1) * turn, 2 * size[a])[..., :size[a]].real, -1, a)
    w, raw = w.transpose(np.argsort(order)).reshape(shape[0], -1), raw[end:]
    for side, width in head.get("ordered", []):  # rows (0), columns (1): where each lies in the tensor
        at, raw = np.split(raw, [width * w.shape[side]]); w = w.take(np.argsort(at.view(f"<u{width}")), side)
    return w.reshape(shape)

def stored(item):
    if head := item.attrs.get("packing_json"): return unpack(json.loads(head), item[()])
    if isinstance(item, h5py.Dataset): return item[()]
    whole, at, v = item.attrs["spectrum_shape"], item.attrs["axes"], item["values"][()]
    w = np.zeros(math.prod(whole), complex)
    w[item["indices"][()]] = v if v.dtype.kind == "c" else v.astype(float).view(complex)[:, 0]
    return np.fft.irfftn(w.reshape(whole), item.attrs["shape"][at], at, "ortho")

def read_model(path):
    with h5py.File(path) as file: return {layer.attrs["name"].decode() + "/" + name: stored(item)
                                          for layer in file["layers"].values() for name, item in layer.items()}
