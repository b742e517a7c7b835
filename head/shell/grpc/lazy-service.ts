/**
 * Services that few ever call (health, reflection), whose packages take longer to
 * load than the head itself. Their methods are named here; a package is loaded by
 * the first call of one of them.
 */

import type {
  MethodDefinition,
  Server,
  ServiceDefinition,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";

/** A service as its package adds it to a server. */
export interface LoadedService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

/** What a server must know of a method before it is loaded. */
export interface MethodShape {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

/**
 * Adds a service that is loaded by its first call.
 *
 * @param methods its methods, by their key in the definition
 * @param load loads it; called once
 */
export function addLazyService(
  server: Server,
  methods: Readonly<Record<string, MethodShape>>,
  load: () => LoadedService,
): void {
  let loaded: LoadedService | undefined;
  const definition: Record<string, MethodDefinition<unknown, unknown>> = {};
  const implementation: Record<string, (...args: unknown[]) => unknown> = {};
  for (const [key, shape] of Object.entries(methods)) {
    const method = () => {
      loaded ??= load();
      return loaded.definition[key] as MethodDefinition<unknown, unknown>;
    };
    definition[key] = {
      ...shape,
      requestSerialize: (value) => method().requestSerialize(value),
      requestDeserialize: (bytes) => method().requestDeserialize(bytes),
      responseSerialize: (value) => method().responseSerialize(value),
      responseDeserialize: (bytes) => method().responseDeserialize(bytes),
    };
    implementation[key] = (...args) => {
      const { originalName } = method();
      const own = loaded!.implementation;
      const handler = (own[key] ?? own[originalName ?? key]) as (...args: unknown[]) => unknown;
      return handler(...args);
    };
  }
  server.addService(definition, implementation as UntypedServiceImplementation);
}

/** Catches what a package adds to a server. */
export function captured(add: (server: Pick<Server, "addService">) => void): LoadedService[] {
  const services: LoadedService[] = [];
  add({ addService: (definition, implementation) => void services.push({ definition, implementation }) });
  return services;
}
