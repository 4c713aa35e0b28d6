import com.couchbase.mock.Bucket.BucketType;
import com.couchbase.mock.BucketConfiguration;
import com.couchbase.mock.CouchbaseMock;
import com.couchbase.mock.memcached.Item;
import com.couchbase.mock.memcached.MemcachedServer;
import com.couchbase.mock.memcached.Storage.StorageType;
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.util.List;

/**
 * Starts CouchbaseMock with its key-value service on a given port, which its own options cannot set, and the commands
 * of the mock ten ports above it. The port after that returns all documents.
 */
class CouchbaseMockOnPort {
    /** @param args port of the key-value service of the first node, bucket, password, number of nodes */
    public static void main(String[] args) throws Exception {
        int port = Integer.parseInt(args[0]);
        BucketConfiguration bucket = new BucketConfiguration();
        bucket.type = BucketType.COUCHBASE;
        bucket.hostname = "127.0.0.1";
        bucket.bucketStartPort = port;
        bucket.name = args[1];
        bucket.password = args[2];
        bucket.numNodes = Integer.parseInt(args[3]);
        bucket.numReplicas = bucket.numNodes - 1;
        bucket.numVBuckets = 16;
        CouchbaseMock mock = new CouchbaseMock(port + 10, List.of(bucket));
        mock.start();
        MemcachedServer[] nodes = mock.getBuckets().get(bucket.name).getServers();
        for (MemcachedServer node : nodes) node.setCccpEnabled(true);
        HttpServer documents = HttpServer.create(new InetSocketAddress("127.0.0.1", port + 11), 0);
        documents.createContext("/", exchange -> {
            StringBuilder text = new StringBuilder();
            for (MemcachedServer node : nodes)
                for (Item item : node.getStorage().getMasterStore(StorageType.CACHE))
                    text.append(item.getKeySpec().key).append(' ').append(item.getExpiryTimeInMillis()).append(' ')
                            .append(item.getUtf8()).append('\n');
            byte[] bytes = text.toString().getBytes("UTF-8");
            exchange.sendResponseHeaders(200, bytes.length);
            exchange.getResponseBody().write(bytes);
            exchange.close();
        });
        documents.start();
    }
}
