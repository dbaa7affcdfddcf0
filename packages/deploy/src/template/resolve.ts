import type { Value } from './intrinsics.ts'
import type { ExistingTable } from './options.ts'
import type { Resource, Template } from './template.ts'

/** A template without parameters and conditions. */
export type ResolvedTemplate = Omit<Template, 'Parameters' | 'Conditions'>

/**
 * The template with values in place of its parameters. Conditions are decided, so what they leave out is not in the
 * result, and no condition is. Parameters without a value have their defaults. A pure function.
 *
 * @param values by the names of parameters; a text, or any value that takes its place, such as `{ 'Fn::GetAtt': … }`
 * @throws TypeError for a name that the template has not, and for a parameter with neither a value nor a default
 */
export function resolveParameters(template: Template, values: Readonly<Record<string, Value>>): ResolvedTemplate {
  const known = Object.keys(template.Parameters)
  const unknown = Object.keys(values).filter((name) => !known.includes(name))
  if (unknown.length > 0) throw new TypeError(`Expected parameters of ${known.join(', ')}; got ${unknown.join(', ')}.`)
  const resolved = new Map(known.map((name) => [name, values[name] ?? template.Parameters[name]?.Default]))
  const missing = known.filter((name) => resolved.get(name) === undefined)
  if (missing.length > 0) throw new TypeError(`Expected values for the parameters ${missing.join(', ')}; got none.`)
  const { Parameters, Conditions, ...others } = template
  const resolver = new Resolver(resolved, Conditions)
  const resources = Object.entries(template.Resources).filter(([, each]) => resolver.isKept(each))
  const ids = new Set(resources.map(([id]) => id))
  return {
    ...others,
    Resources: Object.fromEntries(resources.map(([id, each]) => [id, resolver.resource(each, ids)])),
    Outputs: Object.fromEntries(
      Object.entries(template.Outputs)
        .filter(([, each]) => resolver.isKept(each))
        .map(([name, { Condition, ...output }]) => [name, { ...output, Value: resolver.value(output.Value) }]),
    ),
  }
}

/** Replaces references to parameters and decides conditions. */
class Resolver {
  readonly #values: ReadonlyMap<string, Value>
  readonly #conditions: Template['Conditions']

  constructor(values: ReadonlyMap<string, Value>, conditions: Template['Conditions']) {
    this.#values = values
    this.#conditions = conditions
  }

  isKept({ Condition }: { readonly Condition?: string }): boolean {
    return Condition === undefined || this.#holds(this.#conditions[Condition])
  }

  resource({ Condition, DependsOn, ...resource }: Resource, ids: ReadonlySet<string>): Resource {
    return {
      ...resource,
      ...(DependsOn !== undefined && { DependsOn: DependsOn.filter((id) => ids.has(id)) }),
      Properties: this.value(resource.Properties) as Resource['Properties'],
    }
  }

  value(value: Value): Value {
    if (Array.isArray(value)) return value.map((each) => this.value(each)).filter((each) => !isNothing(each))
    if (!isObject(value)) return value
    if (typeof value['Ref'] === 'string' && this.#values.has(value['Ref'])) return this.#values.get(value['Ref'])
    if (Array.isArray(value['Fn::If'])) return this.#branch(value['Fn::If'])
    const members = Object.entries(value).map(([name, each]) => [name, this.value(each)] as const)
    return Object.fromEntries(members.filter(([, each]) => !isNothing(each)))
  }

  #branch([name, yes, no]: readonly Value[]): Value {
    return this.value(this.#holds(this.#conditions[String(name)]) ? yes : no)
  }

  #holds(condition: Value): boolean {
    const { 'Fn::Equals': equals, 'Fn::Not': not } = condition as Readonly<Record<string, readonly Value[] | undefined>>
    if (not !== undefined) return !this.#holds(not[0])
    return this.value(equals?.[0]) === this.value(equals?.[1])
  }
}

/** The value of a property that is absent. */
function isNothing(value: Value): boolean {
  return isObject(value) && value['Ref'] === 'AWS::NoValue'
}

function isObject(value: Value): value is Readonly<Record<string, Value>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The template without its table: what refers to the table refers to one that exists. */
export function withTable({ Resources, Outputs, ...template }: Template, table: ExistingTable): Template {
  const { Table, ...others } = Resources
  return {
    ...template,
    Resources: replace(others, table) as Template['Resources'],
    Outputs: replace(Outputs, table) as Template['Outputs'],
  }
}

function replace(value: Value, table: ExistingTable): Value {
  if (typeof value === 'string') return value.replaceAll(`\${Table}`, table.name) // in the text of the dashboard
  if (Array.isArray(value)) return value.map((each) => replace(each, table))
  if (typeof value !== 'object' || value === null) return value
  const { Ref, 'Fn::GetAtt': attribute } = value as { readonly Ref?: string; readonly 'Fn::GetAtt'?: readonly string[] }
  if (Ref === 'Table') return table.name
  if (attribute?.[0] === 'Table') return attribute[1] === 'Arn' ? table.arn : table.streamArn
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, replace(each, table)]))
}
