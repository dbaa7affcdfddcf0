/** What the command wrote. */
export interface Written {
  /** Path of the template. */
  readonly template: string
  /** `service-stage`, which names the stack too. */
  readonly name: string
  /** Path of the zip file, and the part of its key that changes with its contents. */
  readonly bundle: string | undefined
  readonly key: string | undefined
}

/** The commands that deploy the template with AWS's command line. */
export function nextSteps({ template, name, bundle = 'functions.zip', key = '<version>' }: Written): string {
  const object = `${name}-${key}.zip`
  return [
    `# ${template} is written. To deploy it:`,
    'BUCKET=<a bucket of yours in the region of the deployment>',
    `aws s3 cp ${bundle} s3://$BUCKET/${object}`,
    `aws cloudformation deploy --template-file ${template} --s3-bucket $BUCKET --stack-name ${name} \\`,
    `  --capabilities CAPABILITY_IAM --parameter-overrides CodeBucket=$BUCKET CodeKey=${object} Origins=https://example.com`,
    `aws cloudformation describe-stacks --stack-name ${name} --query 'Stacks[0].Outputs'`,
  ].join('\n')
}
