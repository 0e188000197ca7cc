// A piece of the OpenAPI document in the shapes that the real one has: references, unions with null, multipart, paths.
const problem = { description: 'a problem', content: { 'application/json': { schema: { $ref: '#/components/schemas/Problem' } } } };

export const openapi = {
  openapi: '3.1.0',
  info: { title: 'Ibid', version: '0.1.0' },
  paths: {
    '/v1/ask': {
      post: {
        tags: ['answers'],
        summary: 'Answers a question from the documents, with citations.',
        description: 'With `stream: true` the answer comes as server-sent events.',
        requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/AskRequest' } } } },
        responses: { 200: { description: 'the answer' }, default: problem },
      },
    },
    '/v1/documents': {
      get: {
        tags: ['documents'],
        summary: 'Lists documents, newest first.',
        parameters: [
          { name: 'status', in: 'query', description: '`pending`, `ready` or `failed`.', required: false, schema: { type: ['string', 'null'] } },
          { name: 'limit', in: 'query', required: false, schema: { type: ['integer', 'null'], minimum: 0 } },
        ],
        responses: { default: problem },
      },
      post: {
        tags: ['documents'],
        summary: 'Puts documents in.',
        requestBody: { content: { 'multipart/form-data': { schema: { $ref: '#/components/schemas/Upload' } } } },
        responses: { default: problem },
      },
    },
    '/v1/documents/{id}': {
      get: {
        tags: ['documents'],
        summary: 'Shows a document with its current version.',
        parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
        responses: { default: problem },
      },
    },
  },
  components: {
    schemas: {
      AskRequest: {
        type: 'object',
        required: ['question'],
        properties: {
          question: { type: 'string' },
          mode: { type: ['string', 'null'] },
          filter: { $ref: '#/components/schemas/Filter' },
          stream: { type: 'boolean' },
        },
      },
      Filter: { type: 'object', properties: { tags: { type: 'array', items: { type: 'string' } } } },
      Upload: { type: 'object', required: ['file'], properties: { file: { type: 'array', items: { type: 'string', format: 'binary' } } } },
      Problem: { type: 'object', properties: {} },
    },
  },
};
