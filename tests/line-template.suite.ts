import { lineTemplate } from '@trunkline/deploy'
import { beforeAll, describe, expect, it } from 'vitest'
import { packageTemplate, type Template } from './template.ts'

/** Resources that osls adds for itself. */
const ofOsls = /^ServerlessDeploymentBucket/

describe('the template of lineTemplate', () => {
  let deployed: Template
  beforeAll(async () => {
    deployed = await packageTemplate()
  }, 120_000)

  const handler = 'examples/chat/src/server/lambda'
  const own = lineTemplate({ service: 'trunkline-chat', stage: 'dev', handler, site: true })

  it('has the resources of serverless.yml, property by property', () => {
    expect(comparable(own.Resources)).toEqual(comparable(deployed.Resources))
  })

  it('has the conditions of serverless.yml', () => {
    expect(own.Conditions).toEqual(deployed.Conditions)
  })
})

/** Resources in a form in which two spellings of one template are equal. */
export function comparable(resources: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const text = JSON.stringify(resources).replaceAll(/WebsocketsDeployment(?!Stage)\w+/g, 'WebsocketsDeployment')
  const entries = Object.entries(JSON.parse(text) as Record<string, Comparable>).filter(([id]) => !ofOsls.test(id))
  return Object.fromEntries(entries.map(([id, resource]) => [id, toComparable(resource)]))
}

interface Comparable {
  readonly Type: string
  readonly DependsOn?: readonly string[]
  readonly Properties?: Readonly<Record<string, unknown>>
}

function toComparable({ Type, DependsOn = [], Properties = {}, ...others }: Comparable) {
  // The code and its application's environment are of each deployment; a permission needs no order but its references.
  const { Code, Environment, ...properties } = Properties
  const dependsOn = Type === 'AWS::Lambda::Permission' ? [] : [...DependsOn].sort()
  return { ...others, Type, DependsOn: dependsOn, Properties: spell(properties) }
}

/** Spells references, `Fn::Join` and `Fn::Sub` as one text with `${…}`, and the body of the dashboard as JSON. */
function spell(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(spell)
  if (typeof value !== 'object' || value === null) return value
  const [[name, inner] = ['', undefined], ...others] = Object.entries(value)
  if (others.length > 0) return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, spell(each)]))
  if (name === 'Ref') return `\${${inner}}`
  if (name === 'Fn::GetAtt') return `\${${(inner as string[]).join('.')}}`
  if (name === 'Fn::Sub')
    return String(inner).startsWith('{ "widgets"') || String(inner).startsWith('{"widgets"')
      ? JSON.parse(String(inner))
      : inner
  if (name === 'Fn::Join') {
    const [separator, parts] = inner as readonly [string, readonly unknown[]]
    return parts.map(spell).join(separator)
  }
  return { [name]: spell(inner) }
}
