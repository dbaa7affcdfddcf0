/** The parts of the AWS SDK that only a script's erasure uses, so that no function loads them. */
export { DescribeTableCommand } from '@aws-sdk/client-dynamodb'
export { ScanCommand } from '@aws-sdk/lib-dynamodb'
