/** What a user's context module and service module look like, and what they are given. Types only. */

/** What a worker offers, as it was started. */
export interface WorkerResources {
  /** Ids of its cores. */
  readonly cores: readonly number[];
  /** In bytes. */
  readonly memory: number;
  /** Ids of its devices. */
  readonly gpus: readonly number[];
  /** Its labels. */
  readonly tokens: readonly string[];
  /** Slots; 0: it has none. */
  readonly capacity: number;
  /** User-defined kinds, by name. */
  readonly others: Readonly<Record<string, number>>;
}

/** What is set up once for a worker is told this. */
export interface WorkerLife {
  /** The worker's name. */
  readonly worker: string;
  readonly resources: WorkerResources;
  /** Fires when the worker is to leave: a set-up that still goes on may give up. */
  readonly signal: AbortSignal;
}

/** What is set up in each process that runs tasks is told this. */
export interface ExecutorLife {
  /** The worker's name. */
  readonly worker: string;
  /** From 0; no two processes that live at the same time have the same. */
  readonly executor: number;
  /** Fires when the process is to end. */
  readonly signal: AbortSignal;
}

/** What was set up. */
export interface Provided<Value> extends AsyncDisposable {
  /** What tasks get. Out of the worker's own part: what structured clone takes. */
  readonly value: Value;
}

/** A running server. */
export interface RunningService<Connection> extends AsyncDisposable {
  /** What clients need to reach it; what structured clone takes. */
  readonly connection: Connection;
  /** Settles when the server has ended by itself. Left out: nobody notices. */
  readonly ended?: PromiseLike<unknown>;
}

/**
 * The default export of a context module.
 *
 * @example
 * const setUp: SetUpContext<{ scratch: string }> = async () => {
 *   const scratch = await mkdtemp("/scratch/run-");
 *   return { value: { scratch }, [Symbol.asyncDispose]: () => rm(scratch, { recursive: true }) };
 * };
 * export default setUp;
 */
export type SetUpContext<Value> = (life: WorkerLife) => Provided<Value> | PromiseLike<Provided<Value>>;

/** The export `executor` of a context module: what tasks get is what it makes of the worker's value. */
export type SetUpExecutor<Value, Own> = (
  value: Value,
  life: ExecutorLife,
) => Provided<Own> | PromiseLike<Provided<Own>>;

/** The export `start` of a service module: starts the server. */
export type StartService<Connection> = (
  life: WorkerLife & { readonly context: unknown },
) => RunningService<Connection> | PromiseLike<RunningService<Connection>>;

/** The export `connect` of a service module: makes what tasks get. Without `start` there is no connection. */
export type ConnectService<Connection, Client> = (
  connection: Connection,
  life: ExecutorLife & { readonly context: unknown },
) => Provided<Client> | PromiseLike<Provided<Client>>;
