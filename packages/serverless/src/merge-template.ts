import type { Template } from '@trunkline/deploy'
import type { CompiledResource, CompiledTemplate } from './serverless.ts'

/** Parameters for the code, which osls uploads by itself. */
const ofCode = new Set(['CodeBucket', 'CodeKey'])
/** The role that osls gives to functions without one. */
const roleOfOsls = 'IamRoleLambdaExecution'

/** A line that is merged into a service. */
export interface Line {
  readonly template: Template
  /** Values of parameters by their names. */
  readonly parameters: Readonly<Record<string, unknown>>
  /** The name under which osls and other stacks find the address of the WebSocket API. */
  readonly endpointExport: string
}

/**
 * The compiled template of a service with the resources of a line. Functions keep the code that osls uploads.
 *
 * @throws Error for a parameter that the template has not or whose value is no text, and for a name of the service that
 * the line has too
 */
export function mergeTemplate(compiled: CompiledTemplate, line: Line): CompiledTemplate {
  const { template, endpointExport } = line
  const { WebSocketUrl, ...outputs } = template.Outputs
  // osls prints the outputs that begin with ServiceEndpoint
  const ServiceEndpointWebsocket = { ...WebSocketUrl, Export: { Name: endpointExport } }
  const functions = Object.keys(template.Resources).filter((id) => id.endsWith('LambdaFunction'))
  const isOfVersion = (id: string) => functions.some((name) => id === `${name}QualifiedArn`)
  return {
    ...compiled,
    Parameters: join('parameters', compiled.Parameters, readParameters(line)),
    Conditions: join('conditions', compiled.Conditions, template.Conditions),
    Resources: mergeResources(compiled.Resources, template.Resources, functions),
    Outputs: join('outputs', without(compiled.Outputs, isOfVersion), { ...outputs, ServiceEndpointWebsocket }),
  }
}

function readParameters({ template, parameters }: Line): Readonly<Record<string, unknown>> {
  const own = Object.entries(template.Parameters).filter(([name]) => !ofCode.has(name))
  const unknown = Object.keys(parameters).filter((name) => !own.some(([known]) => known === name))
  if (unknown.length > 0)
    throw new Error(
      `Expected custom.trunkline.parameters to be of ${own.map(([name]) => name).join(', ')}; got ${unknown.join(', ')}.`,
    )
  return Object.fromEntries(own.map(([name, parameter]) => [name, { ...parameter, ...toDefault(name, parameters) }]))
}

function toDefault(name: string, parameters: Line['parameters']): { readonly Default?: string } {
  const value = parameters[name]
  if (value === undefined) return {}
  if (typeof value === 'string' || typeof value === 'number') return { Default: String(value) }
  throw new Error(
    `Expected custom.trunkline.parameters.${name} to be a text or a number, got ${JSON.stringify(value)}.`,
  )
}

function mergeResources(
  compiled: CompiledTemplate['Resources'],
  resources: Template['Resources'],
  functions: readonly string[],
): CompiledTemplate['Resources'] {
  const others = without(compiled, (id) => functions.some((name) => isMadeFor(name.replace('LambdaFunction', ''), id)))
  const { [roleOfOsls]: role, ...kept } = others
  const isRoleUsed = Object.values(kept).some((resource) => JSON.stringify(resource).includes(roleOfOsls))
  const withCode = Object.entries(resources).map(([id, resource]) => [id, withCodeOf(compiled[id], resource)])
  return join('resources', role !== undefined && isRoleUsed ? others : kept, Object.fromEntries(withCode))
}

/** Whether osls made a resource for the line's function `id`: the function itself, its log group or a version. */
function isMadeFor(id: string, resource: string): boolean {
  return (
    [`${id}LambdaFunction`, `${id}LogGroup`, `${id}LambdaEvConf`].includes(resource) ||
    resource.startsWith(`${id}LambdaVersion`)
  )
}

function withCodeOf(compiled: CompiledResource | undefined, resource: Template['Resources'][string]): CompiledResource {
  if (compiled === undefined || resource.Type !== 'AWS::Lambda::Function') return resource
  const { Code, Handler } = compiled.Properties ?? {}
  return { ...resource, Properties: { ...resource.Properties, Code, Handler } }
}

function without<Value>(
  members: Readonly<Record<string, Value>> = {},
  isLeftOut: (name: string) => boolean,
): Readonly<Record<string, Value>> {
  return Object.fromEntries(Object.entries(members).filter(([name]) => !isLeftOut(name)))
}

/** Both, when no name is in both. */
function join<Value>(
  what: string,
  service: Readonly<Record<string, Value>> = {},
  line: Readonly<Record<string, Value>>,
): Readonly<Record<string, Value>> {
  const taken = Object.keys(service).filter((name) => Object.hasOwn(line, name))
  if (taken.length === 0) return { ...service, ...line }
  const advice = taken.includes('HttpApi') ? ' A service with httpApi events sets custom.trunkline.http to false.' : ''
  throw new Error(`Expected other names for the ${what} ${taken.join(', ')}: the line has them too.${advice}`)
}
