FROM node:22-slim AS build
WORKDIR /komgate
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build
# The packages of the stores, see docs/store.md. They are development dependencies, so that `npm prune` would remove them.
ARG STORE_PACKAGES="kysely pg mysql2 redis undici memcache-client tslib"
RUN npm pkg delete devDependencies && npm pkg set $(printf 'dependencies.%s=* ' $STORE_PACKAGES) && \
    npm prune --no-audit --no-fund

FROM node:22-slim
ENV NODE_ENV=production
WORKDIR /komgate
# Root owns everything and the process is not root: it can write nowhere, so the file system may be read-only.
COPY --from=build /komgate/package.json /komgate/servers.json ./
COPY --from=build /komgate/dist dist
COPY --from=build /komgate/fixtures/demo.json /komgate/fixtures/demo-bot.json fixtures/
COPY --from=build /komgate/node_modules node_modules
USER node
EXPOSE 5001
HEALTHCHECK CMD node -e "fetch('http://127.0.0.1:5001/live').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"
# Without a shell in between: the signal that ends the container reaches komgate, which closes its sessions.
ENTRYPOINT ["node", "dist/main.js", "--host", "0.0.0.0"]
