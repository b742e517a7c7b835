/** The standard health service: SERVING while the head takes newcomers. */

import { createRequire } from "node:module";
import type { Server } from "@grpc/grpc-js";
import type { HealthImplementation, ServingStatus } from "grpc-health-check";
import { addLazyService, captured } from "./lazy-service.js";

const require = createRequire(import.meta.url);

const PATH = "/grpc.health.v1.Health";
const METHODS = {
  Check: { path: `${PATH}/Check`, requestStream: false, responseStream: false },
  Watch: { path: `${PATH}/Watch`, requestStream: false, responseStream: true },
  List: { path: `${PATH}/List`, requestStream: false, responseStream: false },
};
const SERVICES = ["", "grain.v1.Scheduling", "grain.v1.Blobs", "grain.v1.Admin"];

/** What the health service says. */
export class Health {
  #status: ServingStatus = "SERVING";
  #implementation: HealthImplementation | undefined;

  /** Adds the service; its package is loaded when somebody asks. */
  addTo(server: Server): void {
    addLazyService(server, METHODS, () => {
      const health = require("grpc-health-check") as typeof import("grpc-health-check");
      const implementation = new health.HealthImplementation();
      for (const service of SERVICES) implementation.setStatus(service, this.#status);
      this.#implementation = implementation;
      return captured((catcher) => implementation.addToServer(catcher as Server))[0]!;
    });
  }

  /** The head takes nobody new: watchers are told. */
  stop(): void {
    this.#status = "NOT_SERVING";
    for (const service of SERVICES) this.#implementation?.setStatus(service, this.#status);
  }
}
