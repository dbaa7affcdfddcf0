// An entry of its own: `import('./cloudformation-sdk.ts')` loads this part of the AWS SDK only for a line of a stack.

export {
  CloudFormationClient,
  DescribeStacksCommand,
  paginateDescribeStacks,
  paginateListStackResources,
} from '@aws-sdk/client-cloudformation'
