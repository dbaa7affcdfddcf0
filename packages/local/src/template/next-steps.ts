import type { Template } from '@trunkline/deploy'

/** What the command wrote. */
export interface Written {
  /** Path of the template. */
  readonly path: string
  /** `service-stage`, which names the stack too. */
  readonly name: string
  /** Path of the zip file, and the part of its key that changes with its contents. */
  readonly bundle: string | undefined
  readonly key: string | undefined
  readonly template: Template
}

/** The commands that deploy the template with AWS's command line, and what to do then. */
export function nextSteps(written: Written): string {
  const { path, name, bundle = 'functions.zip', key = '<version>', template } = written
  const object = `${name}-${key}.zip`
  const values = [`CodeBucket=$BUCKET`, `CodeKey=${object}`, ...given(template)].join(' ')
  return [
    `# ${path} is written. To deploy it:`,
    'BUCKET=<a bucket of yours in the region of the deployment>',
    `aws s3 cp ${quoted(bundle)} s3://$BUCKET/${object}`,
    `aws cloudformation deploy --template-file ${quoted(path)} --s3-bucket $BUCKET --stack-name ${name} \\`,
    `  --capabilities CAPABILITY_IAM --parameter-overrides ${values}`,
    `aws cloudformation describe-stacks --stack-name ${name} --query 'Stacks[0].Outputs'`,
    ...afterwards(written),
  ].join('\n')
}

/**
 * The values that the options gave to parameters. An update of a stack keeps the values of the deployment before, whatever
 * the defaults of the new template, so each value is named.
 */
function given({ Parameters, Outputs }: Template): readonly string[] {
  const values = Object.entries(Parameters)
    .filter(([name, { Default = '' }]) => name !== 'RestoreNumber' && Default !== '')
    .map(([name, { Default = '' }]) => `${name}=${quoted(Default)}`)
  const isOpen = Boolean(Parameters['Origins']?.Default) || 'SiteUrl' in Outputs
  return isOpen ? values : ['Origins=https://<the host of your page>', ...values]
}

/** A text as one word of a shell. */
function quoted(text: string): string {
  return /^[\w@%+=:,./\\-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

function afterwards({ name, template: { Outputs, Resources, Parameters } }: Written): readonly string[] {
  const output = (key: string) =>
    `$(aws cloudformation describe-stacks --stack-name ${name} --output text --query "Stacks[0].Outputs[?OutputKey=='${key}'].OutputValue")`
  return [
    '# WebSocketUrl is the url of createConnection.',
    ...('SiteBucketName' in Outputs
      ? [
          '# The page, whose files are in dist:',
          `aws s3 sync dist s3://${output('SiteBucketName')} --cache-control no-cache`,
        ]
      : []),
    ...('DomainTarget' in Outputs && !('DomainRecord' in Resources)
      ? ['# Point a CNAME record of your domain to DomainTarget.']
      : []),
    ...(Parameters['AlarmTopic']?.Default === ''
      ? ['# Alarms notify nobody until the parameter AlarmTopic has the ARN of an SNS topic.']
      : []),
  ]
}
