/**
 * A credential: a certificate, its private key and the authority by which the other
 * side is checked, in one file of PEM blocks. Issuing them is the head's.
 *
 * What is in a file is never part of a message: it is secret.
 */

import { X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { AuthError } from "../errors.js";
import { isPrivateDirectory, readPrivate } from "./private-file.js";
import { isRole, type Role } from "./role.js";

/** What a file held. */
export interface Credential {
  readonly file: string;
  /** Its name: the certificate's `CN`. */
  readonly id: string;
  /** Undefined: a head's, or a certificate that names no role. */
  readonly role: Role | undefined;
  readonly expiresAt: Date;
  /** PEM. */
  readonly certificate: string;
  /** PEM. Secret. */
  readonly key: string;
  /** PEM of the authorities that the other side is checked by. */
  readonly authorities: string;
}

/** What a connection is for, by the roles that will do, the best first. */
export const PURPOSES = {
  client: ["client", "admin"],
  worker: ["worker", "admin"],
  command: ["admin", "client", "viewer"],
} as const satisfies Record<string, readonly Role[]>;

/** What a connection is for. */
export type Purpose = keyof typeof PURPOSES;

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]+?-----END \1-----/g;

/**
 * The file of a role's credential in an access directory.
 *
 * @example
 * credentialFile("/home/ada/.config/grain/access", "client") // "…/client.pem"
 */
export function credentialFile(directory: string, role: Role | "head" | "authority"): string {
  return join(directory, `${role}.pem`);
}

/**
 * Finds and reads the credential for a purpose.
 *
 * @param place an access directory, or the file of one credential
 * @returns undefined when there is none
 * @throws AuthError when it cannot be used: open to others, damaged, expired
 */
export function findCredential(place: string, purpose: Purpose): Credential | undefined {
  if (!isPrivateDirectory(place)) return existsSync(place) ? usable(readCredential(place)) : undefined;
  for (const role of PURPOSES[purpose]) {
    const credential = readCredential(credentialFile(place, role));
    if (credential !== undefined) return usable(credential);
  }
  return undefined;
}

/**
 * Reads one file.
 *
 * @returns undefined when there is none
 * @throws AuthError when others can read it, or it is no credential
 */
export function readCredential(file: string): Credential | undefined {
  const text = readPrivate(file);
  return text === undefined ? undefined : parseCredential(text, file);
}

/**
 * Takes a file's text apart: the first certificate is the credential's own (with intermediates after
 * it), the last the authority's.
 *
 * @throws AuthError when something is missing; it quotes nothing of the text
 */
export function parseCredential(text: string, file: string): Credential {
  const blocks = [...text.matchAll(BLOCK)];
  const certificates = blocks.filter(([, label]) => label === "CERTIFICATE").map(([block]) => block);
  const key = blocks.find(([, label]) => label?.endsWith("PRIVATE KEY") === true)?.[0];
  const [own, ...others] = certificates;
  if (own === undefined || key === undefined || others.length === 0) {
    throw new AuthError(
      `${file} is no credential: it needs a certificate, its private key and the authority's certificate, in PEM; ` +
        'have a new one made with "grain access new".',
    );
  }
  const parsed = parseCertificate(own, file);
  const { CN, OU } = nameOf(parsed);
  return {
    file,
    id: CN ?? "",
    role: isRole(OU) ? OU : undefined,
    expiresAt: new Date(parsed.validTo),
    certificate: [own, ...others.slice(0, -1)].join("\n"),
    key,
    authorities: others.at(-1)!,
  };
}

/** Reads a certificate. @throws AuthError that names the file */
export function parseCertificate(pem: string, file: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    // What OpenSSL says of it may quote it.
    throw new AuthError(`${file} holds a damaged certificate; have a new one made with "grain access new".`);
  }
}

/** The parts of a certificate's subject, such as `CN`. */
export function nameOf(certificate: X509Certificate): Partial<Record<string, string>> {
  return Object.fromEntries(
    certificate.subject.split("\n").map((part) => {
      const at = part.indexOf("=");
      return [part.slice(0, at), part.slice(at + 1)];
    }),
  );
}

function usable(credential: Credential | undefined): Credential | undefined {
  if (credential === undefined || credential.expiresAt.getTime() > Date.now()) return credential;
  throw expired(credential);
}

/** A credential is past its time. */
export function expired({ file, id, expiresAt, role }: Credential): AuthError {
  const day = expiresAt.toISOString().slice(0, 16).replace("T", " ");
  return new AuthError(
    `The credential ${id} in ${file} expired on ${day} UTC; ask the head's administrator for a new one ` +
      `(grain access new --role ${role ?? "client"} > FILE).`,
  );
}
