"""What would kubelet hear from a gRPC probe? Arguments: port, name, seconds.

Plain text, one call, and the exit codes of grpc_health_probe: 0 serving, 2 no connection in time,
3 the call failed, 4 not serving.
"""

from __future__ import annotations

import sys
from typing import Any

import grpc
from grpc_health.v1 import health_pb2


def probed(port: int, service: str, seconds: float) -> int:
    """Ask once; the exit code."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            grpc.channel_ready_future(channel).result(seconds)
        except grpc.FutureTimeoutError:
            return 2
        check: Any = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        try:
            answer = check(health_pb2.HealthCheckRequest(service=service), timeout=seconds)
        except grpc.RpcError:
            return 3
    return 0 if answer.status == health_pb2.HealthCheckResponse.SERVING else 4


if __name__ == "__main__":
    sys.exit(probed(int(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
