/** The standard reflection service: lets any gRPC tool list and call the services by their .proto. */

import { createRequire } from "node:module";
import { join } from "node:path";
import type { Server } from "@grpc/grpc-js";
import { packageRoot } from "../../../proto/module/own-files.js";
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
  const reflection = new ReflectionService(
    loadSync(join(packageRoot(), "proto/grain.proto"), { keepCase: true }),
  );
  return captured((catcher) => reflection.addToServer(catcher));
}
