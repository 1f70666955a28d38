package carbon.flink.avro;

import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.formats.avro.AvroRowDataSerializationSchema;
import org.apache.flink.formats.avro.RegistryAvroSerializationSchema;
import org.apache.flink.formats.avro.RowDataToAvroConverters;
import org.apache.flink.formats.avro.registry.confluent.AvroConfluentFormatOptions;
import org.apache.flink.formats.avro.registry.confluent.RegistryAvroFormatFactory;
import org.apache.flink.formats.avro.typeutils.AvroSchemaConverter;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.format.EncodingFormat;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.factories.DynamicTableFactory;
import org.apache.flink.table.factories.FactoryUtil;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.RowType;

/**
 * {@code 'format' = 'avro-registry'}: the format {@code avro-confluent} with the same options and bytes, whose writer asks for
 * the id of its schema once and not with every record.
 */
public final class AvroFormat extends RegistryAvroFormatFactory {
    @Override
    public String factoryIdentifier() {
        return "avro-registry";
    }

    @Override
    public EncodingFormat<SerializationSchema<RowData>> createEncodingFormat(DynamicTableFactory.Context context, ReadableConfig options) {
        FactoryUtil.validateFactoryOptions(this, options);
        if (options.getOptional(AvroConfluentFormatOptions.SCHEMA).isPresent()) {
            throw new ValidationException("avro-registry writes the schema of the table's columns and takes no other");
        }
        String subject =
                options.getOptional(AvroConfluentFormatOptions.SUBJECT)
                        .orElseThrow(() -> new ValidationException("avro-registry needs the option subject to write"));
        CoderProvider coders = new CoderProvider(subject, options.get(AvroConfluentFormatOptions.URL), buildOptionalPropertiesMap(options));
        return new Encoding(coders);
    }

    private record Encoding(CoderProvider coders) implements EncodingFormat<SerializationSchema<RowData>> {
        @Override
        public SerializationSchema<RowData> createRuntimeEncoder(DynamicTableSink.Context context, DataType consumed) {
            RowType row = (RowType) consumed.getLogicalType();
            return new AvroRowDataSerializationSchema(
                    row,
                    RegistryAvroSerializationSchema.forGeneric(AvroSchemaConverter.convertToSchema(row), coders),
                    RowDataToAvroConverters.createConverter(row));
        }

        @Override
        public ChangelogMode getChangelogMode() {
            return ChangelogMode.insertOnly();
        }
    }
}
