import { type LineTemplateOptions, lineFunctions, lineTemplate } from '@trunkline/deploy'
import { mergeTemplate } from './merge-template.ts'
import type { CompiledTemplate, Serverless } from './serverless.ts'

/**
 * `custom.trunkline` of serverless.yml: the options of `lineTemplate` but `service` and `stage`, which the file has, and
 * values for its parameters.
 */
export interface PluginSettings extends Omit<LineTemplateOptions, 'service' | 'stage'> {
  /** Values of the template's parameters by their names, such as `{ Origins: 'https://shop.example' }`. */
  readonly parameters?: Readonly<Record<string, string | number>>
}

/**
 * Adds a line to a service: declares its functions, which osls and its plugins bundle, and replaces what osls makes of
 * them by the resources of `lineTemplate`. Functions and resources of the service's own stay.
 */
export class TrunklinePlugin {
  /** What runs at which step of osls. */
  readonly hooks: Readonly<Record<string, () => void>>
  readonly #serverless: Serverless
  readonly #settings: PluginSettings

  /** @throws Error when `custom.trunkline.handler` is missing, or for settings of the provider that the line ignores */
  constructor(serverless: Serverless) {
    this.#serverless = serverless
    this.#settings = readSettings(serverless)
    this.#declareFunctions()
    this.hooks = {
      'after:aws:package:finalize:mergeCustomProviderResources': () => this.#replaceResources(),
    }
  }

  #options(): LineTemplateOptions {
    const { parameters, ...options } = this.#settings
    const { service } = this.#serverless.service
    return { ...options, service, stage: this.#serverless.getProvider('aws').getStage() }
  }

  /** The name that osls gives to this export. */
  #endpointExport(): string {
    const { service } = this.#serverless.service
    return `sls-${service}-${this.#serverless.getProvider('aws').getStage()}-ServiceEndpointWebsocket`
  }

  #declareFunctions(): void {
    const { service } = this.#serverless
    for (const [name, declared] of Object.entries(lineFunctions(this.#options()))) {
      if (service.functions?.[name] !== undefined)
        throw new Error(`Expected another name for the function ${name}: the line has a function of this name.`)
      this.#serverless.extendConfiguration(['functions', name], declared)
      // plugins that bundle read the runtime there
      if (service.provider.runtime === undefined)
        this.#serverless.extendConfiguration(['provider', 'runtime'], declared.runtime)
    }
  }

  #replaceResources(): void {
    const { provider } = this.#serverless.service
    const compiled: CompiledTemplate = provider.compiledCloudFormationTemplate
    provider.compiledCloudFormationTemplate = mergeTemplate(compiled, {
      template: lineTemplate(this.#options()),
      parameters: this.#settings.parameters ?? {},
      endpointExport: this.#endpointExport(),
    })
  }
}

/** Settings of the provider that osls applies to functions, and where the line has them. */
const ofProvider = { environment: 'custom.trunkline.environment', vpc: 'custom.trunkline.vpc' }

function readSettings({ service: { custom, provider } }: Serverless): PluginSettings {
  for (const [name, place] of Object.entries(ofProvider))
    if (provider[name as keyof typeof ofProvider] !== undefined)
      throw new Error(`Expected ${place} in place of provider.${name}, which does not reach the functions of the line.`)
  const settings = custom?.['trunkline'] as PluginSettings | undefined
  if (typeof settings?.handler === 'string') return settings
  throw new Error(
    'Expected custom.trunkline.handler in serverless.yml: the module with your handlers, without its extension, such as src/lambda.',
  )
}
