/** Makes certificates. Loaded by the first start and by commands that issue, never by a head that only serves. */

import { randomBytes, webcrypto } from "node:crypto";
import { createRequire } from "node:module";
import { HEAD_UNIT, ORGANISATION, type Role } from "../../proto/access/role.js";

const require = createRequire(import.meta.url);

type X509 = typeof import("@peculiar/x509");
type CryptoKey = webcrypto.CryptoKey;

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const { subtle } = webcrypto;

/** Clocks of a cluster differ. */
const CLOCK_SKEW_MS = 24 * 3_600_000;

/** A certificate with its private key, both PEM. */
export interface Issued {
  readonly certificate: string;
  readonly key: string;
  readonly expiresAt: Date;
}

/** What a certificate is to say. */
export interface Wanted {
  /** Its `CN`. */
  readonly id: string;
  readonly unit: Role | typeof HEAD_UNIT;
  readonly expiresAt: Date;
}

let loaded: X509 | undefined;

/**
 * The package insists on a polyfill of decorators' metadata, of which it uses nothing. Empty functions
 * do, and only while it loads, so that a program that has the polyfill, or loads it later, is left alone.
 */
function library(): X509 {
  if (loaded !== undefined) return loaded;
  const target = Reflect as unknown as Record<string, unknown>;
  const missing = ["getMetadata", "getOwnMetadata", "defineMetadata"].filter((name) => !(name in target));
  for (const name of missing) target[name] = () => undefined;
  try {
    loaded = require("@peculiar/x509") as X509;
  } finally {
    for (const name of missing) delete target[name];
  }
  return loaded;
}

/** Makes an authority: a key that signs, and its own certificate. */
export async function makeAuthority(id: string, expiresAt: Date): Promise<Issued> {
  const x509 = library();
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: subjectOf(id, "authority"),
    notBefore: new Date(Date.now() - CLOCK_SKEW_MS),
    notAfter: expiresAt,
    signingAlgorithm: ALGORITHM,
    keys: keys as never,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey as never),
    ],
  });
  return { certificate: certificate.toString("pem"), key: await exportKey(keys.privateKey), expiresAt };
}

/**
 * Has an authority issue a certificate.
 *
 * @param authority PEM of its certificate and key
 */
export async function issueCertificate(
  authority: Pick<Issued, "certificate" | "key">,
  { id, unit, expiresAt }: Wanted,
): Promise<Issued> {
  const x509 = library();
  const issuer = new x509.X509Certificate(authority.certificate);
  const keys = await newKeys();
  const usage = unit === HEAD_UNIT ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: subjectOf(id, unit),
    issuer: issuer.subject,
    notBefore: new Date(Date.now() - CLOCK_SKEW_MS),
    notAfter: expiresAt,
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey as never,
    signingKey: (await importKey(authority.key)) as never,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([usage], true),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return { certificate: certificate.toString("pem"), key: await exportKey(keys.privateKey), expiresAt };
}

function newKeys(): Promise<{ publicKey: CryptoKey; privateKey: CryptoKey }> {
  return subtle.generateKey(ALGORITHM, true, ["sign", "verify"]) as never;
}

async function exportKey(key: CryptoKey): Promise<string> {
  const bytes = Buffer.from(await subtle.exportKey("pkcs8", key));
  const lines = bytes.toString("base64").replace(/.{64}/g, "$&\n").trimEnd();
  return `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----`;
}

function importKey(pem: string): Promise<CryptoKey> {
  const bytes = Buffer.from(pem.replace(/-----[^-]+-----/g, ""), "base64");
  return subtle.importKey("pkcs8", bytes, ALGORITHM, false, ["sign"]);
}

/** Positive, and too long to meet twice. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes.toString("hex");
}

function subjectOf(id: string, unit: string): string {
  return `O=${ORGANISATION}, OU=${unit}, CN=${id}`;
}
