/**
 * The published OpenAPI schema of Kubernetes: its checks are those of the package kubernetes-models, which are
 * made from it; which fields there are at all is what the models of the official client say, made from it too.
 */

import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);

/** Kinds with the names of their definitions in the schema. */
const DEFINITIONS: Readonly<Record<string, readonly [definition: string, model: string]>> = {
  "v1 Pod": ["IoK8sApiCoreV1Pod", "V1Pod"],
  "v1 PodList": ["IoK8sApiCoreV1PodList", "V1PodList"],
  "v1 Service": ["IoK8sApiCoreV1Service", "V1Service"],
  "v1 ServiceAccount": ["IoK8sApiCoreV1ServiceAccount", "V1ServiceAccount"],
  "v1 Namespace": ["IoK8sApiCoreV1Namespace", "V1Namespace"],
  "v1 Secret": ["IoK8sApiCoreV1Secret", "V1Secret"],
  "apps/v1 StatefulSet": ["IoK8sApiAppsV1StatefulSet", "V1StatefulSet"],
  "networking.k8s.io/v1 NetworkPolicy": ["IoK8sApiNetworkingV1NetworkPolicy", "V1NetworkPolicy"],
  "rbac.authorization.k8s.io/v1 Role": ["IoK8sApiRbacV1Role", "V1Role"],
  "rbac.authorization.k8s.io/v1 RoleBinding": ["IoK8sApiRbacV1RoleBinding", "V1RoleBinding"],
  "authorization.k8s.io/v1 SelfSubjectAccessReview": [
    "IoK8sApiAuthorizationV1SelfSubjectAccessReview",
    "V1SelfSubjectAccessReview",
  ],
  "v1 Status": ["IoK8sApimachineryPkgApisMetaV1Status", "V1Status"],
  "v1 DeleteOptions": ["IoK8sApimachineryPkgApisMetaV1DeleteOptions", "V1DeleteOptions"],
};

interface Validate {
  (value: unknown): boolean;
  errors?:
    | readonly { readonly instancePath: string; readonly keyword: string; readonly params: object }[]
    | null;
}

interface Attribute {
  readonly baseName: string;
  readonly type: string;
}

type Models = Readonly<Record<string, { getAttributeTypeMap?(): readonly Attribute[] }>>;

let models: Models | undefined;

/** The models of the official client. */
async function loadModels(): Promise<Models> {
  models ??= (await import("@kubernetes/client-node")) as unknown as Models;
  return models;
}

/** What is wrong with an object by the schema: a line each, as the API server names fields. */
export async function problemsWith(value: { apiVersion?: unknown; kind?: unknown }): Promise<string[]> {
  const names = DEFINITIONS[`${String(value.apiVersion)} ${String(value.kind)}`];
  if (names === undefined)
    return [`no kind ${String(value.kind)} is registered for ${String(value.apiVersion)}`];
  const [definition, model] = names;
  const validate = validatorOf(definition);
  const wrong = validate(value) ? [] : (validate.errors ?? []);
  return [
    ...wrong.map(
      ({ instancePath, keyword, params }) => `${pathOf(instancePath)}: ${keyword} ${JSON.stringify(params)}`,
    ),
    ...unknownFields(value, model, await loadModels(), ""),
  ];
}

/** The packages export classes that fill in what is missing; below them are the plain checks. */
function validatorOf(definition: string): Validate {
  const isMeta = definition.startsWith("IoK8sApimachinery");
  const from = dirname(require.resolve(isMeta ? "@kubernetes-models/apimachinery" : "kubernetes-models"));
  return (require(join(from, "_schemas", `${definition}.js`)) as { validate: Validate }).validate;
}

function pathOf(pointer: string): string {
  return pointer
    .slice(1)
    .replaceAll(/\/(\d+)/g, "[$1]")
    .replaceAll("/", ".");
}

/** As `fieldValidation=Strict` finds them. */
function unknownFields(value: unknown, type: string, all: Models, path: string): string[] {
  const list = /^Array<(.*)>$/.exec(type)?.[1];
  if (list !== undefined)
    return Array.isArray(value)
      ? value.flatMap((each, i) => unknownFields(each, list, all, `${path}[${i}]`))
      : [];
  const attributes = all[type]?.getAttributeTypeMap?.();
  if (attributes === undefined || typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => {
    const at = path === "" ? key : `${path}.${key}`;
    const attribute = attributes.find(({ baseName }) => baseName === key);
    return attribute === undefined ? [`unknown field "${at}"`] : unknownFields(each, attribute.type, all, at);
  });
}
