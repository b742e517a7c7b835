/** The ways in which access fails before a head has said anything, as sentences. */

import { AuthError } from "../errors.js";
import type { Credential, Purpose } from "./credential.js";

const HOLDERS: Readonly<Record<Purpose, string>> = {
  client: "a program",
  worker: "a worker",
  command: "this command",
};

const ROLE: Readonly<Record<Purpose, string>> = { client: "client", worker: "worker", command: "viewer" };

/** A head answers, and there is nothing to show it. */
export function noCredential(place: string, purpose: Purpose, shown: string): AuthError {
  const role = ROLE[purpose];
  return new AuthError(
    `There is no credential for ${HOLDERS[purpose]} in ${place}, and the head at ${shown} asks for one: on the head's machine run ` +
      `"grain access new --role ${role} > ${role}.pem", bring the file here and name it with --access or GRAIN_ACCESS_DIR.`,
  );
}

/** The head's certificate is not one that this credential trusts. */
export function foreignHead({ id, file }: Credential, shown: string, reason: string): AuthError {
  return new AuthError(
    `The head at ${shown} is not the one that issued the credential ${id} in ${file} (${reason}): ` +
      "correct the address, or use a credential of that head (--access, GRAIN_ACCESS_DIR).",
  );
}

/** The head hung up on what it was shown. */
export function turnedAway({ id, file }: Credential, shown: string): AuthError {
  return new AuthError(
    `The head at ${shown} did not accept the credential ${id} in ${file}: another authority issued it, or by the head's clock it is ` +
      "not valid now; use a credential of that head (--access, GRAIN_ACCESS_DIR), and compare the clocks.",
  );
}

/** Whatever listens there does not encrypt. */
export function notEncrypted(shown: string): AuthError {
  return new AuthError(
    `What listens at ${shown} does not speak TLS: if it is a head started with --insecure, say so here as well ` +
      "(--insecure, or GRAIN_INSECURE=1); otherwise correct the address.",
  );
}

/** The head encrypts, and this side was told not to. */
export function encrypted(shown: string): AuthError {
  return new AuthError(
    `The head at ${shown} asks for TLS, and this side was told to do without: leave out --insecure, and unset GRAIN_INSECURE.`,
  );
}
