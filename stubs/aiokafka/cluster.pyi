from aiokafka.protocol.metadata import MetadataResponse_v0

class ClusterMetadata:
    def update_metadata(self, metadata: MetadataResponse_v0) -> None: ...
