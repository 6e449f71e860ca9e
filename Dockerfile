# The package, made from this clone.
FROM node:24-slim AS package
WORKDIR /clone
COPY . .
RUN npm run package

# What it needs and nothing else: the native parts of this system and processor only, and no install script runs.
FROM node:24-slim AS installed
COPY --from=package /clone/dist/evenkeel-*.tgz /tmp/
RUN npm install --prefix /opt/evenkeel --ignore-scripts --no-audit --no-fund /tmp/evenkeel-*.tgz \
 && cd /opt/evenkeel/node_modules/onnxruntime-node/bin/napi-v6 \
 && find . -mindepth 2 -maxdepth 2 ! -path "./linux/$(node -p process.arch)" -exec rm -rf {} +

FROM node:24-slim
COPY --from=installed /opt/evenkeel /opt/evenkeel
RUN ln -s /opt/evenkeel/node_modules/evenkeel/bin/keel.js /usr/local/bin/keel \
 && install -d -o node -g node /data
USER node
WORKDIR /data
# The volume is a project: an empty one takes these files, with everything that the server keeps in .keel.
RUN keel init
VOLUME /data
ENV KEEL_HOST=0.0.0.0
EXPOSE 5335
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:5335/v2/health/live').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["keel"]
CMD ["up"]
