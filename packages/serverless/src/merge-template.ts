import type { Template } from '@trunkline/deploy'
import type { CompiledResource, CompiledTemplate } from './serverless.ts'

/** Parameters for the code, which osls uploads by itself. */
const ofCode = new Set(['CodeBucket', 'CodeKey'])
/** The role that osls gives to functions without one. */
const roleOfOsls = 'IamRoleLambdaExecution'

interface Line {
  readonly template: Template
  readonly parameters: Readonly<Record<string, string>>
}

/**
 * The compiled template of a service with the resources of a line. Functions keep the code that osls uploads.
 *
 * @throws Error for a value of a parameter that the template has not, or for a resource of the service that has the name
 * of one of the line
 */
export function mergeTemplate(compiled: CompiledTemplate, { template, parameters }: Line): CompiledTemplate {
  const own = Object.entries(template.Parameters).filter(([name]) => !ofCode.has(name))
  const unknown = Object.keys(parameters).filter((name) => !own.some(([known]) => known === name))
  if (unknown.length > 0)
    throw new Error(
      `Expected custom.trunkline.parameters to be of ${own.map(([name]) => name).join(', ')}; got ${unknown.join(', ')}.`,
    )
  const given = own.map(([name, parameter]) => [name, { ...parameter, ...defaultOf(parameters[name]) }])
  return {
    ...compiled,
    Parameters: { ...compiled.Parameters, ...Object.fromEntries(given) },
    Conditions: { ...compiled.Conditions, ...template.Conditions },
    Resources: mergeResources(compiled.Resources, template.Resources),
    Outputs: { ...compiled.Outputs, ...template.Outputs },
  }
}

function defaultOf(value: string | undefined) {
  return value === undefined ? {} : { Default: value }
}

function mergeResources(
  compiled: CompiledTemplate['Resources'],
  resources: Template['Resources'],
): CompiledTemplate['Resources'] {
  const functions = Object.keys(resources).filter((id) => id.endsWith('LambdaFunction'))
  const others = Object.entries(compiled).filter(
    ([id]) => !functions.some((name) => isMadeFor(name.replace('LambdaFunction', ''), id)),
  )
  const isRoleUsed = others.some(([id, resource]) => id !== roleOfOsls && JSON.stringify(resource).includes(roleOfOsls))
  const kept = others.filter(([id]) => id !== roleOfOsls || isRoleUsed)
  const taken = kept.map(([id]) => id).filter((id) => id in resources)
  if (taken.length > 0)
    throw new Error(
      `Expected other names for the resources ${taken.join(', ')}: the line has resources of these names.`,
    )
  const withCode = Object.entries(resources).map(([id, resource]) => [id, withCodeOf(compiled[id], resource)])
  return { ...Object.fromEntries(kept), ...Object.fromEntries(withCode) }
}

/** Whether osls made a resource for the line's function `id`: the function itself, its log group or a version. */
function isMadeFor(id: string, resource: string): boolean {
  return [`${id}LambdaFunction`, `${id}LogGroup`, `${id}LambdaEvConf`].includes(resource)
}

function withCodeOf(compiled: CompiledResource | undefined, resource: Template['Resources'][string]): CompiledResource {
  if (compiled === undefined || resource.Type !== 'AWS::Lambda::Function') return resource
  const { Code, Handler } = compiled.Properties ?? {}
  return { ...resource, Properties: { ...resource.Properties, Code, Handler } }
}
