import { awsLambdaRequestHandler } from '@trpc/server/adapters/aws-lambda'
import { router } from './router.ts'

export const handler = awsLambdaRequestHandler({ router })
