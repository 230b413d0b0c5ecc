"""Writes the seeds of the fuzz targets into corpus/: small files that are right, and some that are nearly so."""
import gzip
import json
import pathlib
import struct

HERE = pathlib.Path(__file__).parent / "corpus"


def idx(shape, values):
    return struct.pack(">HBB", 0, 8, len(shape)) + struct.pack(f">{len(shape)}I", *shape) + bytes(values)


def safetensors(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def tensor(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def main():
    labels, images = idx([4], [0, 1, 2, 9]), idx([2, 2, 3], range(12))
    seeds = {
        "labels": labels, "images": images, "labels.gz": gzip.compress(labels, mtime=0),
        "images.gz": gzip.compress(images, mtime=0), "cut": images[:-3], "cut.gz": gzip.compress(images, mtime=0)[:-5],
        "long": images + b"123", "huge": idx([0xFFFFFFFF] * 3, []), "floats": images[:2] + b"\x0d" + images[3:],
    }
    for name, content in seeds.items():
        (HERE / "idx" / name).write_bytes(content)
    two = {"__metadata__": {"layerwise_format": "1"}, "a": tensor("F32", [2], 0, 8), "b": tensor("U8", [3], 8, 11)}
    seeds = {
        "empty": safetensors({}), "two": safetensors(two, bytes(range(11))), "cut": safetensors(two, bytes(10))[:-3],
        "long": safetensors(two, bytes(12)), "claims": struct.pack("<Q", 1 << 62) + b"{}",
        "overlap": safetensors({"a": tensor("U8", [2], 0, 2), "b": tensor("U8", [2], 1, 3)}, bytes(3)),
        "wide": safetensors({"a": tensor("F64", [1 << 60, 16], 0, 0)}), "deep": safetensors(b"[" * 100),
    }
    for name, content in seeds.items():
        (HERE / "safetensors" / name).write_bytes(content)


if __name__ == "__main__":
    main()
