/** The standard reflection service: lets any gRPC tool list and call the services by their .proto. */

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { Server } from "@grpc/grpc-js";
import { addLazyService, captured, type LoadedService } from "./lazy-service.js";

const require = createRequire(import.meta.url);

/** Versions of the protocol that tools speak, in the order in which the package adds them. */
const VERSIONS = ["v1", "v1alpha"];

/** Adds the service; its package and the .proto are loaded when somebody asks. */
export function addReflection(server: Server): void {
  let all: LoadedService[] | undefined;
  for (const [index, version] of VERSIONS.entries()) {
    const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
    addLazyService(
      server,
      { ServerReflectionInfo: { path, requestStream: true, responseStream: true } },
      () => {
        all ??= load();
        return all[index]!;
      },
    );
  }
}

function load(): LoadedService[] {
  const { loadSync } = require("@grpc/proto-loader") as typeof import("@grpc/proto-loader");
  const { ReflectionService } = require("@grpc/reflection") as typeof import("@grpc/reflection");
  const reflection = new ReflectionService(loadSync(protoFile(), { keepCase: true }));
  return captured((catcher) => reflection.addToServer(catcher));
}

/** The .proto in the package's root; this file runs as source or from dist/. */
function protoFile(): string {
  const candidates = ["../../../proto/grain.proto", "../../../../proto/grain.proto"];
  const files = candidates.map((path) => fileURLToPath(new URL(path, import.meta.url)));
  const found = files.find((file) => existsSync(file));
  if (found === undefined)
    throw new Error(`grain.proto is not where the package keeps it (${files.join(", ")})`);
  return found;
}
