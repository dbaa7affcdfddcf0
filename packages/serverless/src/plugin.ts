import { isAbsolute, join } from 'node:path'
import { bundleSettings, type LineSite, type LineTemplateOptions, lineFunctions, lineTemplate } from '@trunkline/deploy'
import { mergeTemplate } from './merge-template.ts'
import { addressesOf, type Deployed, nextSteps } from './next-steps.ts'
import { startOffline } from './offline.ts'
import type { CompiledTemplate, OfflineOptions, Serverless, StackInfo } from './serverless.ts'
import { checkSiteFolder, uploadSite } from './site-files.ts'

/**
 * `custom.trunkline` of serverless.yml: the options of `lineTemplate` but `service` and `stage`, which the file has, and
 * values for its parameters.
 */
export interface PluginSettings extends Omit<LineTemplateOptions, 'service' | 'stage' | 'site'> {
  /** A page for the line, with the folder of its built files, which each deployment copies into the bucket. */
  readonly site?: boolean | (LineSite & { readonly folder?: string })
  /** Values of the template's parameters by their names, such as `{ Origins: 'https://shop.example' }`. */
  readonly parameters?: Readonly<Record<string, string | number>>
}

/**
 * Adds a line to a service: declares its functions, which osls and its plugins bundle, and replaces what osls makes of
 * them by the resources of `lineTemplate`. Functions and resources of the service's own stay.
 */
export class TrunklinePlugin {
  /** What runs at which step of osls. */
  readonly hooks: Readonly<Record<string, () => void | Promise<void>>>
  readonly #serverless: Serverless

  /** @throws Error when `custom.trunkline.handler` is missing, or for settings of the provider that the line ignores */
  constructor(serverless: Serverless, commandLine: OfflineOptions = {}) {
    this.#serverless = serverless
    checkProvider(serverless) // here only: osls gives the provider defaults later
    this.#declareFunctions()
    this.#extendBundling()
    const offline = () =>
      startOffline(serverless, { options: this.#options(), parameters: this.#settings.parameters ?? {} }, commandLine)
    this.hooks = {
      'after:aws:package:finalize:mergeCustomProviderResources': () => this.#replaceResources(),
      'before:deploy:deploy': () => this.#checkSite(),
      'after:deploy:deploy': () => this.#uploadSite(),
      'after:aws:info:displayStackOutputs': () => this.#showNextSteps(),
      'before:offline:start': offline, // of serverless-offline: the command `offline`,
      'before:offline:start:init': offline, // and `offline start`
    }
  }

  /** Read at each use: osls resolves variables of stacks and of SSM after it has created the plugins. */
  get #settings(): PluginSettings {
    return readSettings(this.#serverless)
  }

  #options(): LineTemplateOptions {
    const { parameters, site, ...options } = this.#settings
    const { service } = this.#serverless.service
    const stage = this.#serverless.getProvider('aws').getStage()
    return { ...options, service, stage, ...(site !== undefined && { site: toLineSite(site) }) }
  }

  /** The name that osls gives to this export. */
  #endpointExport(): string {
    const { service } = this.#serverless.service
    return `sls-${service}-${this.#serverless.getProvider('aws').getStage()}-ServiceEndpointWebsocket`
  }

  #declareFunctions(): void {
    const { service } = this.#serverless
    const { handler, ...options } = this.#options()
    const resolved = Object.entries(options).filter(([, value]) => !JSON.stringify(value ?? null).includes('${'))
    const known = { ...(Object.fromEntries(resolved) as typeof options), handler }
    for (const [name, declared] of Object.entries(lineFunctions(known))) {
      if (service.functions?.[name] !== undefined)
        throw new Error(`Expected another name for the function ${name}: the line has a function of this name.`)
      this.#serverless.extendConfiguration(['functions', name], declared)
      // plugins that bundle read the runtime there
      if (service.provider.runtime === undefined)
        this.#serverless.extendConfiguration(['provider', 'runtime'], declared.runtime)
    }
  }

  /** Gives serverless-esbuild the settings for a short cold start. Those of the service stay, and CommonJS as it is. */
  #extendBundling(): void {
    const { esbuild: given = {} } = this.#serverless.service.custom ?? {}
    const { config, format = 'esm', bundle = true } = Object(given) as Readonly<Record<string, unknown>>
    if (typeof given !== 'object' || config !== undefined || format !== 'esm' || bundle !== true) return
    const ofPlugin = { outputFileExtension: '.mjs', exclude: [] }
    this.#serverless.extendConfiguration(['custom', 'esbuild'], { ...bundleSettings, ...ofPlugin, ...given })
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

  /** The folder with the files of the page, as an absolute path. */
  #siteFolder(): string | undefined {
    const { site } = this.#settings
    if (typeof site !== 'object' || site?.folder === undefined) return undefined
    return isAbsolute(site.folder) ? site.folder : join(this.#serverless.serviceDir ?? '.', site.folder)
  }

  #checkSite(): void {
    const folder = this.#siteFolder()
    if (folder !== undefined) checkSiteFolder(folder)
  }

  async #uploadSite(): Promise<void> {
    const folder = this.#siteFolder()
    const bucket = this.#deployed()?.outputs.get('SiteBucketName')
    if (folder !== undefined && bucket !== undefined)
      await uploadSite(this.#serverless.getProvider('aws'), bucket, folder)
  }

  #showNextSteps(): void {
    const deployed = this.#deployed()
    if (deployed === undefined) return
    this.#serverless.addServiceOutputSection?.('line', addressesOf(deployed))
    this.#serverless.addServiceOutputSection?.('next steps', nextSteps(deployed))
  }

  /** The deployed stack, as osls has read it; undefined when there is none. */
  #deployed(): Deployed | undefined {
    const found = this.#serverless.pluginManager?.plugins.find((plugin) => 'gatheredData' in plugin) as
      | StackInfo
      | undefined
    const outputs = new Map(
      found?.gatheredData.outputs.map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]),
    )
    if (!outputs.has('TableName')) return undefined
    const { parameters = {}, site, alarms, functions } = this.#settings
    const values = lineTemplate(this.#options()).Parameters
    const isGiven = (name: string) => Boolean(parameters[name] ?? values[name]?.Default)
    return {
      outputs,
      main: functions === 'one' ? 'handler' : 'websocket',
      hasOrigins: isGiven('Origins') || Boolean(site),
      hasAlarmTopic: alarms === false ? undefined : isGiven('AlarmTopic'),
    }
  }
}

function toLineSite(site: NonNullable<PluginSettings['site']>): boolean | LineSite {
  if (typeof site !== 'object' || site === null) return site // lineTemplate says what is wrong with it
  const { folder, ...options } = site
  return options
}

/** Settings of the provider that osls applies to functions, and where the line has them. */
const ofProvider = { environment: 'custom.trunkline.environment', vpc: 'custom.trunkline.vpc' }

function checkProvider({ service: { provider } }: Serverless): void {
  for (const [name, place] of Object.entries(ofProvider))
    if (provider[name as keyof typeof ofProvider] !== undefined)
      throw new Error(`Expected ${place} in place of provider.${name}, which does not reach the functions of the line.`)
}

function readSettings({ service: { custom } }: Serverless): PluginSettings {
  const settings = custom?.['trunkline'] as PluginSettings | undefined
  if (typeof settings?.handler === 'string') return settings
  throw new Error(
    'Expected custom.trunkline.handler in serverless.yml: the module with your handlers, without its extension, such as src/lambda.',
  )
}
