# The edge: Debian's nginx with the module. Build from the root of the repository:
#   docker build -f docker/edge.Dockerfile -t agent-gateway/edge .
FROM debian:12-slim AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      g++ make cmake ninja-build pkg-config nginx nginx-dev libssl-dev libxxhash-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake cmake
COPY shared shared
COPY ngx_module ngx_module
RUN cmake --preset release -DAGW_BUILD_EXECUTOR=OFF -DAGW_BUILD_TESTS=OFF \
 && cmake --build --preset release --target ngx_http_agent_module

# The same Debian release in both stages: nginx loads a module of exactly its own version only. The group is that of
# the executor's image, by number: its unix socket is for its own group alone.
FROM debian:12-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends nginx ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --system --gid 10001 agent-gateway \
 && usermod --append --groups agent-gateway www-data \
 && install -d -o 10001 -g agent-gateway /run/agent-gateway \
 && install -d -o www-data -g www-data /var/log/agent-gateway /var/lib/agent-gateway/nginx
COPY --from=build /src/build/release/ngx_module/ngx_http_agent_module.so /usr/lib/nginx/modules/
COPY conf/nginx.conf /etc/agent-gateway/nginx.conf
EXPOSE 8443
STOPSIGNAL SIGQUIT
ENTRYPOINT ["/usr/sbin/nginx", "-c", "/etc/agent-gateway/nginx.conf", "-g", "daemon off;"]
