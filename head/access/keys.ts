/** What a head shows to those who connect, and by whose signature it knows them: read, and read again when it changes. */

import { X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { credentialFile, readCredential } from "../../proto/access/credential.js";
import { readPrivate } from "../../proto/access/private-file.js";
import { AuthError, ConfigError, messageOf } from "../../proto/errors.js";

/** Certificates and keys from elsewhere, in PEM files. */
export interface OwnCertificates {
  /** The head's certificate, with intermediates after it. */
  readonly cert: string;
  /** Its private key; only its user may read it. */
  readonly key: string;
  /** The authorities that sign the certificates of clients and workers. */
  readonly ca: string;
}

/** As TLS takes them. */
export interface Keys {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** Where they come from. */
export interface KeySource {
  /** @throws AuthError, ConfigError for files that cannot be used */
  read(): Keys;
  /** Differs whenever one of the files does. */
  stamp(): string;
}

/** Those of an access directory. */
export function directoryKeys(directory: string): KeySource {
  const file = credentialFile(directory, "head");
  return {
    read() {
      const credential = readCredential(file);
      if (credential === undefined)
        throw new AuthError(
          `${file} is missing: run "grain access rotate --access ${directory}" for a new one.`,
        );
      const keys = { cert: credential.certificate, key: credential.key, ca: credential.authorities };
      if (areUsable(keys)) return keys;
      throw new AuthError(
        `${file} is damaged: run "grain access rotate --access ${directory}" for a new one.`,
      );
    },
    stamp: () => stampOf([file]),
  };
}

/** Those that the command line names. */
export function ownKeys({ cert, key, ca }: OwnCertificates): KeySource {
  return {
    read() {
      const secret = readPrivate(key);
      if (secret === undefined) throw new ConfigError(`--tls-key: there is no file ${key}.`);
      const keys = {
        cert: readCertificates(cert, "--tls-cert"),
        key: secret,
        ca: readCertificates(ca, "--tls-ca"),
      };
      if (areUsable(keys)) return keys;
      throw new ConfigError(
        `--tls-key: ${key} is not the key of the certificate ${cert}, or no private key in PEM without a passphrase; give the two that belong together.`,
      );
    },
    stamp: () => stampOf([cert, key, ca]),
  };
}

function readCertificates(file: string, flag: string): string {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new ConfigError(`${flag}: ${file} cannot be read: ${messageOf(error)}.`, { cause: error });
  }
  try {
    new X509Certificate(text);
    return text;
  } catch {
    // What OpenSSL says of it may quote it.
    throw new ConfigError(`${flag}: ${file} holds no certificate in PEM, or a damaged one.`);
  }
}

/** Whether TLS takes them. Its reasons may quote the key. */
function areUsable(keys: Keys): boolean {
  try {
    createSecureContext({ ...keys });
    return true;
  } catch {
    return false;
  }
}

function stampOf(files: readonly string[]): string {
  return files
    .map((file) => {
      const found = statSync(file, { throwIfNoEntry: false });
      return found === undefined ? "none" : `${found.ino}:${found.mtimeMs}:${found.size}`;
    })
    .join(" ");
}
