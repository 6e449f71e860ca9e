/** An ONNX model whose input x says how often it adds one to itself: some microseconds each, or weeks in all. */
export const loop: Uint8Array = Buffer.from(
  [
    'CAg6qAIKGAoBeBICeGkiBENhc3QqCQoCdG8YB6ABAgoQCgJ4aRIBbiIHU3F1ZWV6ZQq/AQoBbgoACgF4EgF5IgRMb29wKqsBCgRib2R5Mp8BChoKBGNvbmQS',
    'CGNvbmRfb3V0IghJZGVudGl0eQoYCgNhY2MKA29uZRIHYWNjX291dCIDQWRkEgRib2R5WgsKAWkSBgoECAcSAFoOCgRjb25kEgYKBAgJEgBaFQoDYWNjEg4K',
    'DAgBEggKAggBCgIIAWISCghjb25kX291dBIGCgQICRIAYhkKB2FjY19vdXQSDgoMCAESCAoCCAEKAggBoAEFEgFnKg0QASIEAACAP0IDb25lWhEKAXgSDAoK',
    'CAESBgoACgIIAWITCgF5Eg4KDAgBEggKAggBCgIIAUIECgAQDQ==',
  ].join(''),
  'base64',
)
