import java.io.BufferedWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple3;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.EventTimeSessionWindows;
import org.apache.flink.streaming.api.windowing.assigners.SlidingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.assigners.WindowAssigner;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.config.AggregatePhaseStrategy;
import org.apache.flink.table.api.config.OptimizerConfigOptions;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;

/**
 * Asks Flink for the windows of generated streams: {@code java Streams STREAMS ANSWERS}.
 *
 * <p>Each stream is a source of its own, read by one task, with a watermark after each event: the newest event time
 * minus the bound minus 1 ms. All streams of a batch run in one job. The form of both files is told in
 * {@code src/flink.rs}.
 */
public final class Streams {
    /** Streams in one job. Each brings threads and buffers of its own; three times as many were no faster. */
    private static final int STREAMS_A_JOB = 40;

    private static final TypeInformation<Tuple3<Long, String, Double>> EVENT =
            Types.TUPLE(Types.LONG, Types.STRING, Types.DOUBLE);
    private static final OutputTag<Tuple3<Long, String, Double>> LATE = new OutputTag<>("late", EVENT);

    /** What came out of each stream, in the order in which it came. All tasks run in this process. */
    private static final Map<String, Queue<String>> ANSWERS = new ConcurrentHashMap<>();

    /** A stream as the file describes it; durations in milliseconds. */
    private record Stream(
            String id,
            String api,
            String kind,
            long size,
            long step,
            long offset,
            long bound,
            long lateness,
            List<Tuple3<Long, String, Double>> events) {}

    public static void main(String[] arguments) throws Exception {
        List<Stream> streams = read(Path.of(arguments[0]));
        for (int from = 0; from < streams.size(); from += STREAMS_A_JOB) {
            run(streams.subList(from, Math.min(from + STREAMS_A_JOB, streams.size())));
            System.err.println(Math.min(from + STREAMS_A_JOB, streams.size()) + " of " + streams.size() + " streams");
        }
        write(streams, Path.of(arguments[1]));
    }

    private static List<Stream> read(Path path) throws Exception {
        List<Stream> streams = new ArrayList<>();
        for (String line : Files.readAllLines(path)) {
            String[] word = line.split(" ");
            if (word[0].equals("stream")) {
                streams.add(new Stream(word[1], word[2], word[3], Long.parseLong(word[4]), Long.parseLong(word[5]),
                        Long.parseLong(word[6]), Long.parseLong(word[7]), Long.parseLong(word[8]), new ArrayList<>()));
            } else {
                streams.get(streams.size() - 1).events
                        .add(Tuple3.of(Long.parseLong(word[0]), word[1], Double.parseDouble(word[2])));
            }
        }
        return streams;
    }

    private static void run(List<Stream> streams) throws Exception {
        Configuration configuration = new Configuration();
        configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "none");
        configuration.set(ExecutionOptions.RUNTIME_MODE, RuntimeExecutionMode.STREAMING);
        StreamExecutionEnvironment environment = StreamExecutionEnvironment.createLocalEnvironment(1, configuration);
        StreamTableEnvironment tables = StreamTableEnvironment.create(environment);
        tables.getConfig().setLocalTimeZone(ZoneId.of("UTC"));
        // The first of two phases holds a watermark before 1970 for none and its rows back until they are late.
        tables.getConfig()
                .set(OptimizerConfigOptions.TABLE_OPTIMIZER_AGG_PHASE_STRATEGY, AggregatePhaseStrategy.ONE_PHASE);
        for (Stream stream : streams) {
            ANSWERS.put(stream.id, new ConcurrentLinkedQueue<>());
            long bound = stream.bound;
            DataStream<Tuple3<Long, String, Double>> events = environment.fromData(stream.events, EVENT)
                    .assignTimestampsAndWatermarks(WatermarkStrategy
                            .<Tuple3<Long, String, Double>>forGenerator(context -> new AfterEachEvent(bound))
                            .withTimestampAssigner((event, before) -> event.f0));
            if (stream.api.equals("sql")) {
                inSql(tables, stream, events);
            } else {
                inDataStream(stream, events);
            }
        }
        environment.execute();
    }

    /** A window table-valued function, as a person would write it. */
    private static void inSql(
            StreamTableEnvironment tables, Stream stream, DataStream<Tuple3<Long, String, Double>> events) {
        String view = "events_of_" + stream.id.replace('-', '_');
        tables.createTemporaryView(view, events, Schema.newBuilder()
                .column("f1", "STRING")
                .column("f2", "DOUBLE")
                .columnByMetadata("t", DataTypes.TIMESTAMP_LTZ(3), "rowtime")
                .watermark("t", "SOURCE_WATERMARK()")
                .build());
        String sums = "COUNT(*), SUM(f2), MIN(f2), MAX(f2), AVG(f2)";
        String query = "SELECT f1, window_start, window_end, " + sums + " FROM TABLE(" + function(stream, view)
                + ") GROUP BY f1, window_start, window_end";
        keep(stream, tables.toDataStream(tables.sqlQuery(query)), Streams::line);
    }

    private static String function(Stream stream, String view) {
        String table = "TABLE " + view;
        String time = ", DESCRIPTOR(t), ";
        String size = interval(stream.size);
        String offset = stream.offset == 0 ? "" : ", " + interval(stream.offset);
        return switch (stream.kind) {
            case "tumbling" -> "TUMBLE(" + table + time + size + offset + ")";
            case "hopping" -> "HOP(" + table + time + interval(stream.step) + ", " + size + offset + ")";
            case "cumulate" -> "CUMULATE(" + table + time + interval(stream.step) + ", " + size + offset + ")";
            case "session" -> "SESSION(" + table + " PARTITION BY f1" + time + size + ")";
            default -> throw new IllegalArgumentException(stream.kind);
        };
    }

    private static String interval(long milliseconds) {
        return "INTERVAL '%d.%03d' SECOND(9, 3)".formatted(milliseconds / 1000, milliseconds % 1000);
    }

    /** KEY START END COUNT SUM MIN MAX AVG. */
    private static String line(Row row) {
        return "%s %d %d %d %s %s %s %s".formatted(row.getField(0), millis(row.getField(1)),
                millis(row.getField(2)), row.getField(3), row.getField(4), row.getField(5), row.getField(6),
                row.getField(7));
    }

    private static long millis(Object time) {
        return ((LocalDateTime) time).toInstant(ZoneOffset.UTC).toEpochMilli();
    }

    /** The window operator itself, with allowed lateness and the side output of late events. */
    private static void inDataStream(Stream stream, DataStream<Tuple3<Long, String, Double>> events) {
        SingleOutputStreamOperator<String> results = events.keyBy(event -> event.f1)
                .window(assigner(stream))
                .allowedLateness(Duration.ofMillis(stream.lateness))
                .sideOutputLateData(LATE)
                .process(new Aggregate());
        keep(stream, results, line -> line);
        keep(stream, results.getSideOutput(LATE), event -> "late %s %d %s".formatted(event.f1, event.f0, event.f2));
    }

    private static WindowAssigner<Object, TimeWindow> assigner(Stream stream) {
        Duration size = Duration.ofMillis(stream.size);
        Duration offset = Duration.ofMillis(stream.offset);
        return switch (stream.kind) {
            case "tumbling" -> TumblingEventTimeWindows.of(size, offset);
            case "hopping" -> SlidingEventTimeWindows.of(size, Duration.ofMillis(stream.step), offset);
            case "session" -> EventTimeSessionWindows.withGap(size);
            default -> throw new IllegalArgumentException(stream.kind);
        };
    }

    private interface Line<T> extends java.io.Serializable {
        String of(T value);
    }

    /** Notes what comes out. It is chained to the operator before it, so the order is that operator's own. */
    private static <T> void keep(Stream stream, DataStream<T> outcome, Line<T> line) {
        String id = stream.id;
        MapFunction<T, String> note = value -> {
            String text = line.of(value);
            ANSWERS.get(id).add(text);
            return text;
        };
        outcome.map(note).returns(Types.STRING).sinkTo(new DiscardingSink<>());
    }

    private static void write(List<Stream> streams, Path path) throws Exception {
        try (BufferedWriter out = Files.newBufferedWriter(path)) {
            for (Stream stream : streams) {
                out.write("stream " + stream.id + "\n");
                for (String line : ANSWERS.get(stream.id)) {
                    out.write(line + "\n");
                }
            }
        }
    }

    /** The watermark moves with each event, not from time to time: what is late then depends on the stream alone. */
    private static final class AfterEachEvent implements WatermarkGenerator<Tuple3<Long, String, Double>> {
        private final long bound;
        private long newest = Long.MIN_VALUE;

        AfterEachEvent(long bound) {
            this.bound = bound;
        }

        @Override
        public void onEvent(Tuple3<Long, String, Double> event, long time, WatermarkOutput output) {
            newest = Math.max(newest, time);
            output.emitWatermark(new Watermark(newest - bound - 1));
        }

        @Override
        public void onPeriodicEmit(WatermarkOutput output) {}
    }

    /** A line like that of SQL, with the watermark at which the window gave it. */
    private static final class Aggregate
            extends ProcessWindowFunction<Tuple3<Long, String, Double>, String, String, TimeWindow> {
        @Override
        public void process(
                String key, Context context, Iterable<Tuple3<Long, String, Double>> events, Collector<String> out) {
            long count = 0;
            double sum = 0;
            double min = Double.POSITIVE_INFINITY;
            double max = Double.NEGATIVE_INFINITY;
            for (Tuple3<Long, String, Double> event : events) {
                count += 1;
                sum += event.f2;
                min = Math.min(min, event.f2);
                max = Math.max(max, event.f2);
            }
            TimeWindow window = context.window();
            out.collect("%s %d %d %d %s %s %s %s %d".formatted(key, window.getStart(), window.getEnd(), count, sum, min,
                    max, sum / count, context.currentWatermark()));
        }
    }
}
