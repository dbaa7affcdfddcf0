// An entry of its own: `import('./s3-sdk.ts')` loads this part of the AWS SDK only for a page that is deployed.

export { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
