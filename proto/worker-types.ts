/** The types of what a program's workers have set up, for the program to say. */

/**
 * Declare its members to give `currentTask().context` and `currentTask().service` a type.
 *
 * @example
 * declare module "grain-scheduler" {
 *   interface WorkerTypes {
 *     context: { scratch: string };
 *     service: ModelClient;
 *   }
 * }
 */
// biome-ignore lint/suspicious/noEmptyInterface: programs add to it.
export interface WorkerTypes {}
