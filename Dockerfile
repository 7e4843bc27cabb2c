# The proxy as one static program on a base without a shell, as a user without rights.
# Build: docker build -t sagewire .      Run: docker run -p 4000:4000 -v ./config.yaml:/etc/sagewire/config.yaml:ro sagewire
FROM rust:1.95-slim-bookworm AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
WORKDIR /src
COPY . .
# `--features otlp,redis` keeps the emulator, for `serve --demo`.
ARG FEATURES="--no-default-features --features otlp,redis"
# Built twice, the second time by what the first counted at work: a quarter less time for each request, and less memory. Quicker, but without that:
#   RUSTFLAGS="-C target-feature=+crt-static" cargo build --locked --profile dist --target TRIPLE -p sagewire-cli --no-default-features --features otlp,redis
RUN rustup component add llvm-tools \
    && cargo run --locked -p sagewire-benches --bin guided -- --static ${FEATURES} \
    && cp target/guided/sagewire /sagewire

# It holds CA certificates and no program.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /sagewire /usr/local/bin/sagewire
USER 65532:65532
EXPOSE 4000
# Asks /health/readiness on 127.0.0.1:4000. For Docker and Compose: Kubernetes has its own probes and passes this over.
HEALTHCHECK --interval=10s --timeout=6s --start-period=10s --retries=3 CMD ["/usr/local/bin/sagewire", "health"]
ENTRYPOINT ["/usr/local/bin/sagewire"]
CMD ["serve", "--config", "/etc/sagewire/config.yaml"]
