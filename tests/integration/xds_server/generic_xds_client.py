"""A discovery client that knows the public xDS v3 field numbers and nothing of this project.

Its message classes are made at run time from the field numbers below. Run against a server's
address, it subscribes, receives, acknowledges and refuses, and prints what it got, one JSON object
a line; the test that starts it changes resources when told to by these lines.

    generic_xds_client.py ADDRESS TYPE_URL
"""

import json
import queue
import sys

import grpc
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory, struct_pb2

FIELD = descriptor_pb2.FieldDescriptorProto
PACKAGE = "envoy.service.discovery.v3"

# message: {field: (number, type, repeated)}
SCHEMA = {
    "Node": {"id": (1, FIELD.TYPE_STRING, False), "cluster": (2, FIELD.TYPE_STRING, False),
             "metadata": (3, ".google.protobuf.Struct", False),
             "user_agent_name": (6, FIELD.TYPE_STRING, False)},
    "Status": {"code": (1, FIELD.TYPE_INT32, False), "message": (2, FIELD.TYPE_STRING, False)},
    "Resource": {"version": (1, FIELD.TYPE_STRING, False),
                 "resource": (2, ".google.protobuf.Any", False),
                 "name": (3, FIELD.TYPE_STRING, False)},
    "DeltaDiscoveryRequest": {"node": (1, ".%s.Node" % PACKAGE, False),
                              "type_url": (2, FIELD.TYPE_STRING, False),
                              "resource_names_subscribe": (3, FIELD.TYPE_STRING, True),
                              "resource_names_unsubscribe": (4, FIELD.TYPE_STRING, True),
                              "response_nonce": (6, FIELD.TYPE_STRING, False),
                              "error_detail": (7, ".%s.Status" % PACKAGE, False)},
    "DeltaDiscoveryResponse": {"system_version_info": (1, FIELD.TYPE_STRING, False),
                               "resources": (2, ".%s.Resource" % PACKAGE, True),
                               "type_url": (4, FIELD.TYPE_STRING, False),
                               "nonce": (5, FIELD.TYPE_STRING, False),
                               "removed_resources": (6, FIELD.TYPE_STRING, True)},
}


def make_classes():
    file = descriptor_pb2.FileDescriptorProto(
        name="public_xds.proto", package=PACKAGE, syntax="proto3",
        dependency=["google/protobuf/any.proto", "google/protobuf/struct.proto"])
    for name, fields in SCHEMA.items():
        message = file.message_type.add(name=name)
        for field, (number, kind, repeated) in fields.items():
            added = message.field.add(
                name=field, number=number,
                label=FIELD.LABEL_REPEATED if repeated else FIELD.LABEL_OPTIONAL)
            if isinstance(kind, str):
                added.type, added.type_name = FIELD.TYPE_MESSAGE, kind
            else:
                added.type = kind
    pool = descriptor_pool.DescriptorPool()
    for known in (any_pb2, struct_pb2):
        pool.AddSerializedFile(known.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    factory = message_factory.MessageFactory(pool)
    return {name: factory.GetPrototype(pool.FindMessageTypeByName("%s.%s" % (PACKAGE, name)))
            for name in SCHEMA}


def say(**what):
    print(json.dumps(what), flush=True)


def main(address, type_url):
    classes = make_classes()
    request, response = classes["DeltaDiscoveryRequest"], classes["DeltaDiscoveryResponse"]
    channel = grpc.insecure_channel(address)
    call = channel.stream_stream(
        "/%s.AggregatedDiscoveryService/DeltaAggregatedResources" % PACKAGE,
        request_serializer=request.SerializeToString, response_deserializer=response.FromString)

    outgoing = queue.Queue()
    answers = call(iter(outgoing.get, None), timeout=30)

    def show(answer, step):
        for resource in answer.resources:
            assert resource.resource.type_url == type_url, resource
        say(step=step, type_url=answer.type_url,
            resources={r.name: r.version for r in answer.resources},
            removed=list(answer.removed_resources))

    first = request(type_url=type_url, resource_names_subscribe=["*"])
    first.node.id = "generic-client"
    first.node.user_agent_name = "not of this project"
    outgoing.put(first)

    received = next(answers)
    outgoing.put(request(type_url=type_url, response_nonce=received.nonce))
    show(received, "acknowledged")

    received = next(answers)
    refusal = request(type_url=type_url, response_nonce=received.nonce)
    refusal.error_detail.code = 3
    refusal.error_detail.message = "the generic client does not like this"
    outgoing.put(refusal)
    show(received, "refused")

    received = next(answers)
    outgoing.put(request(type_url=type_url, response_nonce=received.nonce))
    show(received, "after the refusal")

    outgoing.put(None)
    for unexpected in answers:
        show(unexpected, "unexpected")
    say(step="ended", code=answers.code().name)


if __name__ == "__main__":
    main(*sys.argv[1:3])
