"""A service that makes spans of its predictions with OpenTelemetry's own SDK, and exports them by its own exporter."""

import sys

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Status, StatusCode

url, count = sys.argv[1], int(sys.argv[2])


class Twice(OTLPSpanExporter):
    """Sends each batch again, backwards, as a collector that was cut off before the answer does."""

    def export(self, spans):
        super().export(list(reversed(spans)))
        return super().export(spans)


provider = TracerProvider(resource=Resource.create({"service.name": "churn-service"}))
provider.add_span_processor(BatchSpanProcessor(Twice(endpoint=f"{url}/v1/traces", compression=Compression.Gzip)))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("churn")

for row in range(count):
    with tracer.start_as_current_span("POST /churn") as request:
        request.set_attribute("http.route", "/churn")
        with tracer.start_as_current_span("predict") as span:
            span.set_attribute("keel.model", "churn")
            span.set_attribute("keel.release", "2026.11")
            span.set_attribute("keel.prediction_id", f"ord-{row}")
            span.set_attribute("keel.input.age", 20 + row)
            span.set_attribute("keel.input.city", "Ulm")
            span.set_attribute("keel.input.member", row % 2 == 0)
            if row == 3:
                span.set_status(Status(StatusCode.ERROR, "out of memory"))
            elif row == 4:
                span.set_attribute("keel.input.baskets", [1, 2])
                span.set_attribute("keel.output", 0.5)
            else:
                span.set_attribute("keel.output", row / count)

with tracer.start_as_current_span("chat small-chat") as span:
    span.set_attribute("gen_ai.operation.name", "chat")
    span.set_attribute("gen_ai.request.model", "small-chat")
    span.set_attribute("gen_ai.usage.input_tokens", 12)
    span.set_attribute("gen_ai.usage.output_tokens", 3)
    span.set_attribute("gen_ai.response.finish_reasons", ["length"])
    span.set_attribute("gen_ai.input.messages", '[{"role": "user", "parts": [{"type": "text", "content": "Where is it?"}]}]')
    span.set_attribute("gen_ai.output.messages", '[{"role": "assistant", "parts": [{"type": "text", "content": "On its"}]}]')

provider.shutdown()
