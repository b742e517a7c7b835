/** Secrets, and all the ways in which a text can hold one: as bytes, in base64, in hexadecimal, as somebody's dump. */

import { createPrivateKey } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What nothing may hold. */
export interface Secret {
  readonly name: string;
  /** As latin1 text. */
  readonly forms: readonly string[];
}

/** A private key: its PEM by the line, its DER, and the number that is all its secret. */
export function secretOfKey(name: string, pem: string): Secret {
  const lines = pem.split("\n").filter((line) => line !== "" && !line.startsWith("-----"));
  const key = createPrivateKey(pem);
  const der = key.export({ type: "pkcs8", format: "der" });
  const number = Buffer.from(key.export({ format: "jwk" }).d!, "base64url");
  return { name, forms: [...lines, ...formsOf(der), ...formsOf(number)] };
}

/** Random bytes. */
export function secretOfBytes(name: string, bytes: Uint8Array): Secret {
  return { name, forms: formsOf(Buffer.from(bytes)) };
}

/** All private keys in a text with PEM blocks. */
export function keysIn(name: string, text: string): Secret[] {
  return [...text.matchAll(/-----BEGIN PRIVATE KEY-----\n[\s\S]+?-----END PRIVATE KEY-----/g)].map(([pem]) =>
    secretOfKey(name, pem),
  );
}

function formsOf(bytes: Buffer): string[] {
  const hex = bytes.toString("hex");
  const numbers = [...bytes.subarray(0, 12)];
  return [
    bytes.toString("latin1"),
    hex,
    hex.toUpperCase(),
    // As Node.js shows a Buffer, a Uint8Array, and either in JSON.
    hex.slice(0, 32).replace(/..(?!$)/g, "$& "),
    numbers.join(", "),
    numbers.join(","),
    bytes.toString("base64").replace(/=+$/, ""),
    bytes.toString("base64url"),
  ];
}

/** Names of the secrets that a text holds. */
export function secretsIn(text: string, secrets: readonly Secret[]): string[] {
  return secrets.filter(({ forms }) => forms.some((form) => text.includes(form))).map(({ name }) => name);
}

/** All files below a directory, by path, as latin1 text. Those that go meanwhile are left out. */
export function textsBelow(directory: string): Map<string, string> {
  const texts = new Map<string, string>();
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile()) continue;
    try {
      texts.set(path, readFileSync(path, "latin1"));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return texts;
}
