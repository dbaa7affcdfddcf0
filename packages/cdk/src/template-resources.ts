import type { ResolvedTemplate, Resource } from '@trunkline/deploy'
import { CfnDeletionPolicy, CfnResource, Lazy, Stack, Token } from 'aws-cdk-lib'
import type { Construct } from 'constructs'

/** The intrinsic functions whose result is a text. */
interface TextValue {
  readonly Ref?: string
  readonly 'Fn::GetAtt'?: readonly [string, string]
  readonly 'Fn::Sub'?: string
  readonly 'Fn::Join'?: readonly [string, readonly unknown[]]
}

/** The resources of a template as resources of the CDK, each under its name in the template. */
export class TemplateResources {
  readonly #stack: Stack
  readonly #resources: ReadonlyMap<string, CfnResource>

  /** With `keepIds`, the resources have the logical ids of the template, otherwise those of the CDK. */
  constructor(scope: Construct, { Resources }: ResolvedTemplate, keepIds: boolean) {
    const entries = Object.entries(Resources)
    this.#stack = Stack.of(scope)
    this.#resources = new Map(entries.map(([id, resource]) => [id, this.#create(scope, id, resource)]))
    if (keepIds) for (const [id, resource] of this.#resources) resource.overrideLogicalId(id)
    for (const [id, { DependsOn = [] }] of entries)
      for (const other of DependsOn) this.get(id).node.addDependency(this.get(other))
  }

  /** The resource with this name in the template. */
  get(id: string): CfnResource {
    const found = this.#resources.get(id)
    if (found === undefined) throw new Error(`Expected a resource of the template, got ${id}.`)
    return found
  }

  /** The names of the resources of a type. */
  namesOf(type: string): readonly string[] {
    return [...this.#resources].filter(([, { cfnResourceType }]) => cfnResourceType === type).map(([id]) => id)
  }

  /** A value of the template that refers to the resources by the ids that the CDK gives them. */
  rewrite(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((each) => this.rewrite(each))
    if (typeof value !== 'object' || value === null) return value
    const [[name, inner] = ['', undefined]] = Object.entries(value)
    if (name === 'Ref') return { Ref: this.#idOf(String(inner)) }
    if (name === 'Fn::GetAtt') {
      const [id, attribute] = inner as readonly [string, string]
      return { 'Fn::GetAtt': [this.#idOf(id), attribute] }
    }
    // a text with tokens becomes a join, which Fn::Sub does not take
    if (name === 'Fn::Sub' && Token.isUnresolved(inner)) return this.toText(value)
    if (name === 'Fn::Sub') return { 'Fn::Sub': this.#rewriteText(String(inner)) }
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, this.rewrite(each)]))
  }

  /** The same value as a text. Its references are those of the CDK, so that other stacks may use it. */
  toText(value: unknown): string {
    const { Ref, 'Fn::GetAtt': path, 'Fn::Sub': text, 'Fn::Join': join } = Object(value) as TextValue
    if (Ref !== undefined) return this.#reference(Ref)
    if (path !== undefined) return this.#reference(...path)
    if (join !== undefined) return join[1].map((each) => this.toText(each)).join(join[0])
    if (text === undefined) return Token.asString(value)
    return text.replaceAll(/\$\{([\w:]+)(?:\.(\w+))?\}/g, (_, id, attribute) => this.#reference(id, attribute))
  }

  #reference(id: string, attribute?: string): string {
    const resource = this.#resources.get(id)
    if (resource === undefined) return this.#pseudoParameter(id)
    return attribute === undefined ? resource.ref : resource.getAtt(attribute).toString()
  }

  #pseudoParameter(id: string): string {
    const { partition, region, account, urlSuffix } = this.#stack
    const known = new Map([
      ['AWS::Partition', partition],
      ['AWS::Region', region],
      ['AWS::AccountId', account],
      ['AWS::URLSuffix', urlSuffix],
    ])
    return known.get(id) ?? Token.asString({ Ref: id })
  }

  #create(scope: Construct, id: string, { Type, Properties, DeletionPolicy, UpdateReplacePolicy }: Resource) {
    // lazily, because a property may refer to a resource that is created later
    const properties = Object.entries(Properties).map(([name, value]) => [
      name,
      Lazy.any({ produce: () => this.rewrite(value) }),
    ])
    const resource = new CfnResource(scope, id, { type: Type, properties: Object.fromEntries(properties) })
    if (DeletionPolicy !== undefined) resource.cfnOptions.deletionPolicy = toPolicy(DeletionPolicy)
    if (UpdateReplacePolicy !== undefined) resource.cfnOptions.updateReplacePolicy = toPolicy(UpdateReplacePolicy)
    return resource
  }

  #rewriteText(text: string): string {
    return text.replaceAll(/\$\{(\w+)([.}])/g, (_, id, end) => `\${${this.#idOf(id)}${end}`)
  }

  /** The id in the stack. Names that are no resources, such as `AWS::Region`, stay. */
  #idOf(name: string): string {
    return this.#resources.get(name)?.logicalId ?? name
  }
}

function toPolicy(policy: 'Retain' | 'Delete'): CfnDeletionPolicy {
  return policy === 'Retain' ? CfnDeletionPolicy.RETAIN : CfnDeletionPolicy.DELETE
}
