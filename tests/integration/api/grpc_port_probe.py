"""What any gRPC client can ask of a port: health and reflection, with the public field numbers only.

    grpc_port_probe.py ADDRESS

Prints one JSON object a line: {"health": N}, {"services": [...]}, {"watch": N} for each status of a
health watch, and {"ended": CODE} when the server has ended both streams that stay open.
"""

import json
import sys
import threading

import grpc

LIST_SERVICES = b"\x3a\x00"  # ServerReflectionRequest{list_services: ""}


def say(**what):
    print(json.dumps(what), flush=True)


def fields(message):
    """Number and value of each field; lengths and varints are all that these messages have."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    while at < len(message):
        tag = varint()
        value = varint()
        if tag & 7 == 2:
            value, at = message[at:at + value], at + value
        yield tag >> 3, value


def inside(message, *path):
    """All values at a path of field numbers."""
    for number, value in fields(message):
        if number == path[0]:
            yield from inside(value, *path[1:]) if path[1:] else [value]


def status(answer):
    return next(inside(answer, 1), 0)


def main(address):
    channel = grpc.insecure_channel(address)
    held_open = threading.Event()

    def requests():
        yield LIST_SERVICES
        held_open.wait()

    say(health=status(channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=30)))
    reflection = channel.stream_stream(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")(requests(), timeout=60)
    # ServerReflectionResponse.list_services_response.service.name
    say(services=sorted(name.decode() for name in inside(next(reflection), 6, 1, 1)))
    watch = channel.unary_stream("/grpc.health.v1.Health/Watch")(b"", timeout=60)
    try:
        for answer in watch:
            say(watch=status(answer))
    except grpc.RpcError:
        pass
    try:
        next(reflection)
    except (grpc.RpcError, StopIteration):
        say(ended=reflection.code().name)
    held_open.set()


if __name__ == "__main__":
    main(sys.argv[1])
