import { loadAwsServiceSpec } from '@aws-cdk/aws-service-spec'
import type { Property, PropertyType, SpecDatabase } from '@aws-cdk/service-spec-types'
import type { Template } from './template/template.ts'

const intrinsics = new Set(['Ref', 'Fn::GetAtt', 'Fn::Sub', 'Fn::If', 'Fn::Join', 'Fn::Select'])

/** AWS's schemas, which take a second to read. */
let loading: Promise<SpecDatabase> | undefined

/**
 * Compares each property of each resource with the schemas that AWS publishes. Returns a line for each that is
 * unknown, missing or of another type, and for each reference to an attribute or a resource that does not exist.
 */
export async function problemsOf(template: Template): Promise<readonly string[]> {
  loading ??= loadAwsServiceSpec()
  const database = await loading
  return [
    ...Object.keys(template.Resources).flatMap((id) => problemsOfResource(database, template, id)),
    ...references(template).flatMap((reference) => problemsOfReference(database, template, reference)),
  ]
}

function problemsOfResource(database: SpecDatabase, template: Template, id: string): readonly string[] {
  const resource = template.Resources[id]
  const schema = find(database, resource?.Type)
  if (resource === undefined || schema === undefined) return [`${id}: AWS has no resource ${resource?.Type}`]
  return problemsOfMembers(database, { at: id, value: resource.Properties, properties: schema.properties })
}

interface Members {
  readonly at: string
  readonly value: unknown
  readonly properties: Readonly<Record<string, Property>>
}

function problemsOfMembers(database: SpecDatabase, { at, value, properties }: Members): readonly string[] {
  if (!isObject(value)) return [`${at}: expected an object`]
  const missing = Object.keys(properties).filter((name) => properties[name]?.required === true && !(name in value))
  return [
    ...missing.map((name) => `${at}.${name}: required and missing`),
    ...Object.entries(value).flatMap(([name, member]) => {
      const property = properties[name]
      return property === undefined
        ? [`${at}.${name}: unknown`]
        : problemsOfValue(database, { at: `${at}.${name}`, value: member, type: property.type })
    }),
  ]
}

interface Typed {
  readonly at: string
  readonly value: unknown
  readonly type: PropertyType
}

function problemsOfValue(database: SpecDatabase, { at, value, type }: Typed): readonly string[] {
  const [intrinsic = ''] = isObject(value) ? Object.keys(value) : []
  if (intrinsic === 'Fn::If')
    return (value as { readonly 'Fn::If': readonly unknown[] })['Fn::If']
      .slice(1)
      .flatMap((branch) => problemsOfValue(database, { at, value: branch, type }))
  if (intrinsics.has(intrinsic)) return []
  switch (type.type) {
    case 'string':
      return typeof value === 'string' && (type.allowedValues ?? [value]).includes(value)
        ? []
        : [`${at}: not a string that AWS allows`]
    case 'integer':
    case 'number':
      // CloudFormation takes a number in quotes too, as a parameter gives it
      return typeof value === 'number' || /^\d+$/.test(String(value)) ? [] : [`${at}: not a number`]
    case 'boolean':
      return typeof value === 'boolean' ? [] : [`${at}: not a boolean`]
    case 'array':
      return Array.isArray(value)
        ? value.flatMap((each, index) =>
            problemsOfValue(database, { at: `${at}.${index}`, value: each, type: type.element }),
          )
        : [`${at}: not an array`]
    case 'map':
      return isObject(value)
        ? Object.entries(value).flatMap(([name, each]) =>
            problemsOfValue(database, { at: `${at}.${name}`, value: each, type: type.element }),
          )
        : [`${at}: not a map`]
    case 'ref': {
      const { properties } = database.get('typeDefinition', type.reference.$ref)
      return problemsOfMembers(database, { at, value, properties })
    }
    case 'union': {
      const all = type.types.map((each) => problemsOfValue(database, { at, value, type: each }))
      return all.find((problems) => problems.length === 0) ?? all[0] ?? []
    }
    default:
      return [] // JSON and the like
  }
}

interface Reference {
  readonly from: string
  readonly name: string
  readonly attribute?: string | undefined
}

/** All references of a template to its resources, parameters and attributes. */
function references(template: Template): readonly Reference[] {
  return Object.entries({ ...template.Resources, ...template.Outputs }).flatMap(([from, value]) => collect(from, value))
}

function collect(from: string, value: unknown): readonly Reference[] {
  if (Array.isArray(value)) return value.flatMap((each) => collect(from, each))
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([name, inner]) => {
    if (name === 'Ref') return [{ from, name: String(inner) }]
    if (name === 'Fn::GetAtt')
      return [{ from, name: String((inner as string[])[0]), attribute: (inner as string[])[1] }]
    if (name === 'DependsOn') return (inner as readonly string[]).map((each) => ({ from, name: each }))
    if (name !== 'Fn::Sub') return collect(from, inner)
    return [...String(inner).matchAll(/\$\{(?<name>[\w:]+)(?:\.(?<attribute>\w+))?\}/g)].map(({ groups }) => ({
      from,
      name: groups?.['name'] ?? '',
      attribute: groups?.['attribute'],
    }))
  })
}

function problemsOfReference(database: SpecDatabase, template: Template, { from, name, attribute }: Reference) {
  if (name.startsWith('AWS::') || name in template.Parameters) return []
  const resource = template.Resources[name]
  if (resource === undefined) return [`${from}: refers to ${name}, which the template has not`]
  const attributes = find(database, resource.Type)?.attributes ?? {}
  return attribute === undefined || attribute in attributes ? [] : [`${from}: ${resource.Type} has no ${attribute}`]
}

/** A cycle of references between resources, as a list of ids; undefined when there is none. */
export function cycleOf(template: Template): readonly string[] | undefined {
  const all = references(template)
  const edges = (id: string) => all.filter(({ from }) => from === id)
  const done = new Set<string>()
  const walk = (id: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(id)) return [...path.slice(path.indexOf(id)), id]
    if (done.has(id)) return undefined
    for (const { name } of edges(id)) {
      const cycle = name === id ? undefined : walk(name, [...path, id])
      if (cycle !== undefined) return cycle
    }
    done.add(id)
    return undefined
  }
  for (const id of Object.keys(template.Resources)) {
    const cycle = walk(id, [])
    if (cycle !== undefined) return cycle
  }
  return undefined
}

function find(database: SpecDatabase, type: string | undefined) {
  return database.lookup('resource', 'cloudFormationType', 'equals', type ?? '')[0]
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
