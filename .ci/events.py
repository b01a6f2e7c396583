"""Read a file of events as TensorBoard does, and check each record: python3 events.py FILE metrics.jsonl

The checksums are computed here, and the messages decoded by Google's own library, from a
description of the fields: nothing of what wrote the file is used.
"""

import json
import struct
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

F = descriptor_pb2.FieldDescriptorProto


def messages():
    """Return the class of Event, with the fields of TensorFlow's event.proto that are needed."""
    file = descriptor_pb2.FileDescriptorProto(name="event.proto", package="t", syntax="proto3")
    for name, fields in {
        "Image": [("height", 1, F.TYPE_INT32), ("width", 2, F.TYPE_INT32), ("colorspace", 3, F.TYPE_INT32),
                  ("encoded_image_string", 4, F.TYPE_BYTES)],
        "Value": [("tag", 1, F.TYPE_STRING), ("simple_value", 2, F.TYPE_FLOAT), ("image", 4, ".t.Image")],
        "Summary": [("value", 1, "*.t.Value")],
        "SessionLog": [("status", 1, F.TYPE_INT32)],
        "Event": [("wall_time", 1, F.TYPE_DOUBLE), ("step", 2, F.TYPE_INT64), ("file_version", 3, F.TYPE_STRING),
                  ("summary", 5, ".t.Summary"), ("session_log", 7, ".t.SessionLog")],
    }.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            f = message.field.add(name=field, number=number, label=F.LABEL_OPTIONAL)
            if isinstance(kind, int):
                f.type = kind
            else:
                f.type, f.type_name = F.TYPE_MESSAGE, kind.lstrip("*")
                if kind.startswith("*"):
                    f.label = F.LABEL_REPEATED
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    descriptor = pool.FindMessageTypeByName("t.Event")
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    return message_factory.MessageFactory(pool).GetPrototype(descriptor)


def masked(data):
    """Return the masked CRC-32C."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(path):
    """Yield the contents of the records of a file."""
    data = open(path, "rb").read()
    while data:
        (length,), (sum_,) = struct.unpack("<Q", data[:8]), struct.unpack("<I", data[8:12])
        assert sum_ == masked(data[:8]), "the checksum of a length"
        content, (sum_,) = data[12:12 + length], struct.unpack("<I", data[12 + length:16 + length])
        assert len(content) == length and sum_ == masked(content), "the checksum of a record"
        yield content
        data = data[16 + length:]


def main(path, metrics):
    event, scalars, images = messages(), {}, 0
    for n, content in enumerate(records(path)):
        e = event.FromString(content)
        assert e.wall_time > 1.6e9, "the time"
        if n == 0:
            assert e.file_version == "brain.Event:2"
        for value in e.summary.value:
            if value.image.width:
                images += 1
                assert value.image.encoded_image_string.startswith(b"\x89PNG") and value.image.height > 100
            else:
                scalars[e.step, value.tag] = value.simple_value
    lines = [json.loads(line) for line in open(metrics)]
    for line in lines:
        for tag, want in (("norm mean/layer 1", line["norm_mean"][0]),
                          ("varying units/layer 2", line["varying_units"][1]),
                          ("reconstruction error", line["reconstruction_error"])):
            got = scalars[line["update"], tag]
            assert abs(got - want) <= 1e-6 * abs(want), (line["update"], tag, got, want)
    assert len(lines) >= 4 and images >= 2, (len(lines), images)
    print(f"{len(scalars)} numbers of {len(lines)} lines and {images} pictures are right")


if __name__ == "__main__":
    main(*sys.argv[1:])
