# The executor. Build from the root of the repository:
#   docker build -f docker/executor.Dockerfile -t agent-gateway/executor .
FROM debian:12-slim AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      g++ make cmake ninja-build pkg-config \
      libssl-dev libboost1.81-dev libboost-url1.81-dev nlohmann-json3-dev \
      libyaml-cpp-dev libspdlog-dev libfmt-dev libcli11-dev prometheus-cpp-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake cmake
COPY shared shared
COPY executor executor
RUN cmake --preset release -DAGW_BUILD_EDGE=OFF -DAGW_BUILD_TESTS=OFF \
 && cmake --build --preset release --target agent-executor \
 && strip build/release/executor/agent-executor

FROM debian:12-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      ca-certificates libssl3 libboost-url1.81.0 libyaml-cpp0.7 libspdlog1.10 libfmt9 \
      libprometheus-cpp-core1.0 \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --system --gid 10001 agent-gateway \
 && useradd --system --no-create-home --uid 10001 --gid agent-gateway agent-gateway \
 && install -d -o agent-gateway -g agent-gateway /run/agent-gateway
COPY --from=build /src/build/release/executor/agent-executor /usr/bin/agent-executor
COPY config /etc/agent-gateway
USER agent-gateway
# 9000: TCP, for an edge in another container; a shared /run/agent-gateway with a unix socket does as well.
EXPOSE 9000
ENTRYPOINT ["/usr/bin/agent-executor"]
CMD ["serve", "--config", "/etc/agent-gateway/gateway.yaml", "--listen", "0.0.0.0:9000"]
