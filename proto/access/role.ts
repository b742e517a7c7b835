/** What a credential is for. Which calls each role may make is the head's to say. */

/** What somebody who connects to a head may be. */
export const ROLES = ["admin", "client", "worker", "viewer"] as const;

/** The role of a credential: the organisational unit (`OU`) of its certificate. */
export type Role = (typeof ROLES)[number];

/** Whether a text names a role. */
export function isRole(text: string | undefined): text is Role {
  return (ROLES as readonly (string | undefined)[]).includes(text);
}

/** The organisation (`O`) of certificates that a head's own authority has issued. */
export const ORGANISATION = "grain";

/** The organisational unit of a head's certificate. */
export const HEAD_UNIT = "head";
