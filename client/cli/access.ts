/** `grain access`: credentials to carry to other machines and people, what there are, and their end. */

import { fchmodSync, fstatSync } from "node:fs";
import { type Command, InvalidArgumentError } from "commander";
// Types only: what it does is the head's, which is loaded when it is asked for.
import type { CredentialInfo } from "grain-scheduler/head";
import { chooseAccess } from "../../proto/access/place.js";
import { isRole, ROLES, type Role } from "../../proto/access/role.js";
import { loadConfig } from "../../proto/config/load.js";
import { parseDuration } from "../../proto/duration.js";
import { messageOf } from "../../proto/errors.js";
import { examples } from "./examples.js";
import { configFlag } from "./head-flags.js";
import { formatTable } from "./table.js";

interface Where {
  readonly config?: string;
  readonly access?: string;
}

/** Flags of `grain access new`. */
export interface NewFlags extends Where {
  readonly role: Role;
  readonly name?: string;
  /** Milliseconds. */
  readonly expires?: number;
}

/** Flags of `grain access ls`. */
export interface ListFlags extends Where {
  readonly json?: boolean;
}

/** Flags of `grain access revoke`. */
export interface RevokeFlags extends Where {
  readonly own?: boolean;
}

type Print = (text: string) => void;

/** Adds the commands. */
export function addAccess(program: Command, choose: (act: () => Promise<number>) => void): void {
  const print: Print = (text) => void process.stdout.write(text);
  const printSecret: Print = (text) => {
    closeToOthers(process.stdout.fd);
    print(text);
  };
  const access = program
    .command("access")
    .description("Issues, lists and revokes the credentials that a head lets in.")
    .exitOverride();
  where(access.command("new"))
    .description("Prints a new credential: a secret, for the file that --access names elsewhere.")
    .requiredOption("--role <role>", `what it is for: ${ROLES.join(", ")}`, readRole)
    .option("--expires <duration>", "how long it is valid, such as 7d (default: a year)", readDuration)
    .option("--name <name>", "whose it is, for `grain access ls`")
    .addHelpText(
      "after",
      examples(
        ["grain access new --role worker > rack7.pem", "for workers elsewhere"],
        ["grain access new --role client --expires 7d", "for somebody, for a week"],
      ),
    )
    .action((flags: NewFlags) => choose(() => issue(flags, printSecret)));
  where(access.command("ls"))
    .description("Shows the credentials that were issued.")
    .option("--json", "as JSON")
    .addHelpText("after", examples(["grain access ls", "all, with those that have ended"]))
    .action((flags: ListFlags) => choose(() => list(flags, print)));
  where(access.command("revoke"))
    .description("Ends a credential: who uses it is cut off within a second.")
    .argument("<id>", "as `grain access ls` shows it")
    .option("--own", "the id is the CN of a certificate of your own authority (--tls-ca)")
    .addHelpText("after", examples(["grain access revoke 3f09ac21d4", "this one"]))
    .action((id: string, flags: RevokeFlags) => choose(() => revoke(id, flags, print)));
  where(access.command("rotate"))
    .description("Gives the head and its user new credentials; running heads go on with them.")
    .addHelpText("after", examples(["grain access rotate", "those of the user's own directory"]))
    .action((flags: Where) => choose(() => rotate(flags, print)));
}

function where(command: Command): Command {
  return configFlag(command)
    .option(
      "--access <directory>",
      "of the head (default: GRAIN_ACCESS_DIR, the configuration's, or ~/.config/grain/access)",
    )
    .allowExcessArguments(false)
    .exitOverride();
}

/** The directory that is meant: where a head that is started here has its credentials. */
async function directoryOf({ access, config }: Where): Promise<string> {
  const { env } = process;
  const configured = await loadConfig({ configFile: config, env, cwd: process.cwd(), scope: ["access"] });
  return chooseAccess({ access }, env, configured.access).place;
}

function readRole(text: string): Role {
  if (isRole(text)) return text;
  throw new InvalidArgumentError(`Expected one of ${ROLES.join(", ")}.`);
}

function readDuration(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}

/** The file that a shell has made for a secret is readable for others, and would be refused. */
function closeToOthers(descriptor: number): void {
  try {
    if (fstatSync(descriptor).isFile()) fchmodSync(descriptor, 0o600);
  } catch {
    // Somebody else's file, or a file system without modes: whoever reads it says so.
  }
}

async function issue({ role, name, expires, ...flags }: NewFlags, print: Print): Promise<number> {
  const { newCredential } = await import("grain-scheduler/head");
  const { text } = await newCredential(await directoryOf(flags), { role, name, validMs: expires });
  print(text);
  return 0;
}

async function list({ json, ...flags }: ListFlags, print: Print): Promise<number> {
  const { listCredentials } = await import("grain-scheduler/head");
  const infos = await listCredentials(await directoryOf(flags));
  print(json === true ? `${JSON.stringify(infos, undefined, 2)}\n` : showCredentials(infos));
  return 0;
}

/**
 * Credentials for people.
 *
 * @example
 * process.stdout.write(showCredentials(infos));
 */
export function showCredentials(infos: readonly CredentialInfo[]): string {
  return formatTable(
    ["ID", "ROLE", "STATE", "EXPIRES", "NAME"],
    infos.map(({ id, role, state, expiresAt, name }) => [id, role, state, minute(expiresAt), name]),
  );
}

async function revoke(id: string, { own, ...flags }: RevokeFlags, print: Print): Promise<number> {
  const { revokeCredential, revokeName } = await import("grain-scheduler/head");
  const place = await directoryOf(flags);
  if (own === true) {
    await revokeName(place, id);
    print(`Revoked what calls itself ${JSON.stringify(id)}, at heads with the access directory ${place}.\n`);
    return 0;
  }
  const { role, name } = await revokeCredential(place, id);
  print(`Revoked ${id} (${role}${name === "" ? "" : `, ${name}`}).\n`);
  return 0;
}

async function rotate(flags: Where, print: Print): Promise<number> {
  const { rotateCredentials } = await import("grain-scheduler/head");
  const made = await rotateCredentials(await directoryOf(flags));
  print(
    formatTable(
      ["ID", "ROLE"],
      made.map(({ id, role }) => [id, role]),
    ),
  );
  print('These are new. The ones before stay valid until "grain access revoke".\n');
  return 0;
}

function minute(time: string): string {
  return time.slice(0, 16).replace("T", " ");
}
