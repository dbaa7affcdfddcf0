/** What is known of a line after its deployment. */
export interface Deployed {
  /** The outputs of its stack by their names. */
  readonly outputs: ReadonlyMap<string, string>
  /** Whether the settings let a page connect. */
  readonly hasOrigins: boolean
  /** The function that gets the frames. */
  readonly main: string
  /** Whether alarms notify somebody; undefined without alarms. */
  readonly hasAlarmTopic: boolean | undefined
}

/** The addresses of a deployed line, and the texts that say what each is for. */
export function addressesOf({ outputs }: Deployed): readonly string[] {
  const address = (name: string, use: string) => {
    const value = outputs.get(name)
    return value === undefined ? [] : [`${value} (${use})`]
  }
  return [
    ...address('ServiceEndpointWebsocket', 'url of createConnection'),
    ...address('HttpApiUrl', 'overHttp'),
    ...address('HttpFunctionUrl', 'overHttp'),
    ...address('SiteUrl', 'the page'),
  ]
}

/** What to do after a deployment. */
export function nextSteps({ outputs, hasOrigins, hasAlarmTopic, main }: Deployed): readonly string[] {
  const table = outputs.get('TableName')
  const target = outputs.get('DomainTarget')
  return [
    ...(hasOrigins
      ? []
      : [
          'No page may connect yet, unless createLambdaHandlers names origins: set custom.trunkline.origins to the origin of your page, or custom.trunkline.site to deploy one.',
        ]),
    ...(outputs.get('SiteUrl') === undefined
      ? []
      : ['Open the page. Its distribution needs a few minutes the first time.']),
    ...(target === undefined ? [] : [`Point the record of your domain to ${target}, unless Route 53 has it.`]),
    ...(hasAlarmTopic === false
      ? ['Alarms notify nobody: set custom.trunkline.alarmTopic to the ARN of an SNS topic.']
      : []),
    `See what runs: npx osls logs --function ${main} --tail`,
    ...(table === undefined ? [] : [`Publish from a script: TRUNKLINE_TABLE=${table} node script.mjs`]),
    'Take it away: npx osls remove. A table with retainTable stays, and so do the files of a page.',
  ]
}
